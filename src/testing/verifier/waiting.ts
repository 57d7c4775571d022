/** Lets everything happen that is due. */
export const turn = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve);
  });

/** Waits for `over`, so many milliseconds at most, and answers whether it came. */
export const within = async (patience: number, over: Promise<void>, isOver: () => boolean): Promise<boolean> => {
  if (isOver()) return true;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, patience);
  });
  await Promise.race([over, late]);
  clearTimeout(timer);
  return isOver();
};
