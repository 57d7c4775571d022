import { Observable, type OperatorFunction, type Subscriber } from 'rxjs';
import { type CutSource, type Cutter, type DrainState, type FrameWatch, type Scope, flow } from '../src/flow/scope.js';
import { type Deframer, type DeframerOptions, deframer } from '../src/framing/deframer.js';
import type { Rule } from '../src/framing/rule.js';
import { Step } from './link.js';

/** So many frames are handled before the one whose bytes they are is told of it. */
const SOME = 64;

/**
 * Cuts bytes into frames, wherever the network has cut them into chunks.
 *
 *     bytes   --a----(bc)--|    a: "hel"  b: "lowor"  c: "ld"
 *             frame(fixed(5))
 *     frames  -------(xy)--|    x: "hello"  y: "world"
 *
 * Fails with `FrameTooLong` as soon as a frame cannot but exceed its limit, with `MalformedFrame` where it says
 * something impossible of itself, and with `TruncatedFrame` when the bytes end inside one; earlier frames are emitted
 * first. `options` has other policies, and switches rules in mid-stream.
 *
 * A frame that lies whole in a chunk is a view of it and keeps the chunk in memory: frames of 16 bytes may hold 64 KiB
 * each. Copy the ones that are kept for long: `map((frame) => frame.slice())`. Frames are plain Uint8Arrays, so `slice`
 * copies.
 *
 * It stops in the middle of a chunk while a consumer below is full, as soon as nobody listens, and until the event loop
 * has turned when a connection has had its share of it (`framesPerTurn`). Each subscription cuts for itself.
 */
export const frame = (rule: Rule, options?: DeframerOptions): OperatorFunction<Uint8Array, Uint8Array> => {
  deframer(rule, options); // An option that is none is the caller's error, not a subscriber's.
  return (bytes) =>
    new Observable((out) => {
      const framing = new Framing(out, deframer(rule, options));
      const before = flow.scope;
      // The watch is for these frames, not for those of another `frame` further up. What is above may ask what is uncut.
      flow.scope = { ...before, frames: null, cutter: framing };
      try {
        bytes.subscribe(framing);
      } finally {
        flow.scope = before;
      }
    });
};

/** One subscription: its deframer, and whether that may go on. */
class Framing extends Step<Uint8Array> implements Cutter {
  // What each chunk touches stands first.
  protected readonly frames: Deframer;
  /** In the loop: what a handler causes to come meanwhile goes behind what is there. */
  protected busy = false;
  /** The rest of a chunk waits at a gate. */
  protected waits = false;
  protected ended = false;
  /** Frames handled of a chunk when the rest of it had to wait: what handles them may let it go on again and again. */
  protected handled = 0;
  /** Where the frame begins that the watch was told of, or -1. */
  protected told = -1;
  protected readonly watch: FrameWatch | null = flow.scope.frames;
  protected readonly drain: DrainState | null = flow.scope.drain;
  source: CutSource | null = null;
  /** The scope of an operator above that emits, and the same for what is subscribed to below. */
  protected above: Scope | null = null;
  protected below: Scope | null = null;

  constructor(out: Subscriber<Uint8Array>, frames: Deframer) {
    super(out);
    this.frames = frames;
    this.watch?.watching();
  }

  get held(): number {
    return this.frames.held;
  }

  protected take(chunk: Uint8Array): void {
    // Behind a loop that is under way, or behind what waits, it is not used up before this call returns.
    const stays = flow.lent && (this.busy || this.waits);
    this.frames.push(stays ? new Uint8Array(chunk) : chunk);
    this.goOn();
  }

  protected override end(): void {
    this.ended = true;
    // What is left may have to wait, and then goes on after this link is closed.
    this.out.add(() => this.leave());
    this.frames.end(this.drain?.stopping === true ? 'drop' : undefined);
    this.goOn();
  }

  override unsubscribe(): void {
    if (this.closed) return;
    try {
      super.unsubscribe();
    } finally {
      // If the one it feeds has ended before, this is called while it is being made.
      const made = (this.frames as Deframer | undefined) !== undefined;
      if (made && !this.ended) this.leave();
    }
  }

  /** Nobody listens any more. A loop that is under way finds no more frames. */
  protected leave(): void {
    this.frames.close();
    this.waits = false;
    this.tellDone();
  }

  protected resume(): void {
    if (!this.waits) return;
    this.waits = false;
    this.goOn();
  }

  protected goOn(): void {
    if (this.busy || this.waits) return;
    this.busy = true;
    const { scope } = flow;
    const beneath = scope.cutter !== null;
    if (beneath) flow.scope = this.beneath(scope);
    try {
      this.emit();
    } catch (error) {
      this.out.error(error);
    } finally {
      if (beneath) flow.scope = scope;
      this.busy = false;
    }
  }

  /** Without what cuts: that is for what stands above. Another connection that is read for a frame is not cut by this. */
  protected beneath(scope: Scope): Scope {
    if (this.below === null || scope !== this.above) {
      this.above = scope;
      this.below = { ...scope, cutter: null };
    }
    return this.below;
  }

  /** Emits frames until more bytes are needed, a consumer below is full, or nobody listens. */
  protected emit(): void {
    const { out } = this;
    const frames = this.frames;
    const gate = flow.emitting;
    let { handled } = this;
    for (let cut = frames.next(); cut !== undefined; cut = frames.next()) {
      if (this.told >= 0) this.tellDone();
      out.next(cut);
      if (++handled === SOME) {
        handled = 0;
        if (gate !== null) this.source?.handled(gate, SOME);
      }
      if (gate !== null && gate.closed && frames.held > 0) {
        this.waits = true;
        this.handled = handled;
        if (flow.lent) frames.keep();
        gate.wait(() => this.resume());
        return;
      }
    }
    if (this.handled !== 0) this.handled = 0;
    if (this.ended) out.complete();
    else if (this.watch !== null) this.tell(this.watch);
  }

  /** Tells the watch of the frame that is under way, once, and of the one before it that is not any more. */
  protected tell(watch: FrameWatch): void {
    const { offset, underWay } = this.frames;
    if (this.told >= 0 && !(underWay && offset === this.told)) this.tellDone();
    if (!underWay || this.told >= 0) return;
    this.told = offset;
    watch.begun();
  }

  protected tellDone(): void {
    if (this.told < 0) return;
    this.told = -1;
    this.watch?.done();
  }
}
