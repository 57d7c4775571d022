/** How many a second, over the last second, over about the last ten, and over about the last minute. */
export interface Rate {
  readonly s1: number;
  readonly s10: number;
  readonly s60: number;
}

/** What goes through, a second. */
export interface Rates {
  readonly bytesIn: Rate;
  readonly bytesOut: Rate;
  readonly messagesIn: Rate;
  readonly messagesOut: Rate;
}
