/** What an error is called: its `_tag`, its name, or how it looks as text. Anything can be thrown. */
export const errorName = (error: unknown): string => {
  try {
    const { _tag, name } = (error ?? {}) as { readonly _tag?: unknown; readonly name?: unknown };
    if (typeof _tag === 'string') return _tag;
    return typeof name === 'string' ? name : String(error);
  } catch {
    return 'something that cannot be shown';
  }
};
