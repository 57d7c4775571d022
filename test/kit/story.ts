import { type MarblesOptions, type Teller, marbles } from '../../src/testing/index.js';

/** What is wrong with a story that must fail: places in files are cut to their names. */
export const failure = async (story: Teller, options?: MarblesOptions): Promise<string> => {
  try {
    await marbles(story, options)();
  } catch (error) {
    return (error as Error).message.replaceAll(/ at (?:\S+ )?\(?\/?[^\s()]*\/([\w.-]+\.[jt]s):\d+:\d+\)?/g, ' at $1');
  }
  throw new Error('the story must fail');
};
