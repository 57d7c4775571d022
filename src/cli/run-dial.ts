import { parseArgs } from 'node:util';
import { Misuse, complain, print, wholeNumber } from './command-line.js';
import { dialAndShow } from './dial.js';
import { FRAME_RULES, frameRule } from './frame-rules.js';

/** `npx sluice dial HOST PORT`: a client that shows frames. */
export const runDial = (args: readonly string[]): Promise<number> => {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { frame: { type: 'string', default: 'lines' } },
  });
  const [host, port, ...more] = positionals;
  if (host === undefined || port === undefined || more.length > 0) throw new Misuse('sluice dial takes HOST PORT');
  const rule = frameRule(values.frame);
  if (rule === undefined) throw new Misuse(`--frame is one of ${FRAME_RULES}, got ${JSON.stringify(values.frame)}`);
  return dialAndShow({
    host,
    port: wholeNumber('PORT', port, 1, 65_535),
    rule,
    hex: values.frame === 'hex',
    input: process.stdin,
    print,
    complain,
  });
};
