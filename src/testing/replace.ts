/** Puts something in the place of a property. Gives the function that puts everything back. */
export const replace = (target: object, key: string, value: unknown): (() => void) => {
  const before = Object.getOwnPropertyDescriptor(target, key);
  Object.defineProperty(target, key, { configurable: true, writable: true, enumerable: true, ...before, value });
  return () => {
    if (before === undefined) Reflect.deleteProperty(target, key);
    else Object.defineProperty(target, key, before);
  };
};
