/** What a client of a simulation says, and what it makes of what it hears. */
export interface Talk {
  /** What it says next: whole messages. Nothing when it has said all. */
  say(): Uint8Array | undefined;
  /**
   * Something came, cut as the network cut it. Throws where that should not have come: twice, out of order, out of thin
   * air. What it gives is said at once: answers to keep-alives, say.
   */
  hear(bytes: Uint8Array): Uint8Array | undefined;
  /** All that was said has reached the server, and no more is to be heard. Throws where something is missing. */
  complete?(): void;
}
