/** For `assert.throws`, whose patterns look at the message alone: an error of this class with this message. */
export const raised =
  (type: typeof Error, message: RegExp) =>
  (error: unknown): boolean =>
    error instanceof type && message.test(error.message);
