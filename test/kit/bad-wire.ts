import type { Wire, WireListener } from '../../src/connection/wire.js';

/** A wire that passes on all that it is told, both ways. What is to be wrong with it is overridden. */
export class PassingWire implements Wire, WireListener {
  protected readonly wire: Wire;
  protected listener!: WireListener;

  constructor(wire: Wire) {
    this.wire = wire;
  }

  get peer(): string {
    return this.wire.peer;
  }

  get local(): string {
    return this.wire.local;
  }

  get pending(): number {
    return this.wire.pending;
  }

  get copies(): boolean {
    return this.wire.copies;
  }

  attach(listener: WireListener): void {
    this.listener = listener;
    this.wire.attach(this);
  }

  pause(): void {
    this.wire.pause();
  }

  resume(): void {
    this.wire.resume();
  }

  unread(chunk: Uint8Array): void {
    this.wire.unread(chunk);
  }

  write(chunk: Uint8Array): boolean {
    return this.wire.write(chunk);
  }

  end(): void {
    this.wire.end();
  }

  destroy(): void {
    this.wire.destroy();
  }

  reset(): void {
    this.wire.reset();
  }

  received(chunk: Uint8Array): void {
    this.listener.received(chunk);
  }

  ended(): void {
    this.listener.ended();
  }

  drained(): void {
    this.listener.drained();
  }

  finished(): void {
    this.listener.finished();
  }

  failed(error: unknown): void {
    this.listener.failed(error);
  }

  gone(): void {
    this.listener.gone();
  }
}
