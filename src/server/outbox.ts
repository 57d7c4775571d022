import type { Subscriber } from 'rxjs';
import { flow } from '../flow/scope.js';
import { Mailbox, type MailboxReport, type SlowPolicy } from '../source/mailbox.js';

/** A message on its way to a client, with its bytes. */
export interface Parcel {
  readonly message: unknown;
  readonly bytes: Uint8Array;
}

/** Who is told of what goes out. */
interface Sender {
  sent(message: unknown): void;
  dropped(): void;
}

/** What holds for all clients of a server. */
export interface Post {
  /** How many broadcasts may wait for one client. */
  readonly highWater: number;
  /** A client is full for whom a broadcast is to wait; it is not full any more. */
  oneIsFull(): void;
  oneCaughtUp(): void;
}

/** @internal What is sent to a client besides its answers. Made while they are being subscribed to. */
export class Outbox implements MailboxReport<Parcel> {
  readonly #out: Subscriber<Uint8Array>;
  readonly #sender: Sender;
  readonly #post: Post;
  readonly #scope = flow.scope;
  /** Made when it is needed: most clients of most servers are sent nothing but answers. */
  #mailbox: Mailbox<Parcel> | undefined;

  constructor(out: Subscriber<Uint8Array>, sender: Sender, post: Post) {
    this.#out = out;
    this.#sender = sender;
    this.#post = post;
  }

  /** Sends what must not be dropped, behind what waits. */
  send(parcel: Parcel): void {
    this.#box().force(parcel);
  }

  /** Whether it was sent, or waits. */
  offer(parcel: Parcel, policy: SlowPolicy): boolean {
    return this.#box().take(parcel, policy);
  }

  leave(): void {
    this.#mailbox?.leave();
  }

  // -- whom the mailbox is for, and whom it tells --------------------------------------------------------------------

  get closed(): boolean {
    return this.#out.closed;
  }

  next({ message, bytes }: Parcel): void {
    this.#sender.sent(message);
    this.#out.next(bytes);
  }

  error(error: unknown): void {
    this.#out.error(error);
  }

  complete(): void {
    this.#out.complete();
  }

  delivered(): void {}

  dropped(): void {
    this.#sender.dropped();
  }

  full(): void {
    this.#post.oneIsFull();
  }

  caughtUp(): void {
    this.#post.oneCaughtUp();
  }

  #box(): Mailbox<Parcel> {
    return (this.#mailbox ??= new Mailbox(this, this.#post.highWater, this, this.#scope));
  }
}
