import { checkFunction } from '../check.js';
import { warnThrown } from '../hook.js';

/**
 * Where chance comes from, as an option: a number from 0 to 1. What it throws, or any other number, is a warning, and
 * the number is then a half: a die that fails is no reason to lose a connection.
 */
export const chanceOf = (random: () => number = Math.random): (() => number) => {
  checkFunction('random', random);
  return () => {
    try {
      const rolled = random();
      if (rolled >= 0 && rolled <= 1) return rolled;
      throw new RangeError(`got ${String(rolled)}, and not a number from 0 to 1`);
    } catch (error) {
      warnThrown('random', error);
      return 0.5;
    }
  };
};

/** One of so many, by chance: a whole number from 0 up to `count`. */
export const oneOf = (count: number, chance: () => number): number => Math.min(count - 1, Math.floor(count * chance()));
