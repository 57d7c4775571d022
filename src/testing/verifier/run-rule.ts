import { type Deframer, type DeframerOptions, deframer } from '../../framing/deframer.js';
import type { Rule } from '../../framing/rule.js';
import { type Outcome, type Trial, Heard, overwrite } from './trial.js';

/** All that can be cut at the moment. */
function* framesOf(frames: Deframer): Iterable<Uint8Array> {
  for (let frame = frames.next(); frame !== undefined; frame = frames.next()) yield frame;
}

const checkHeld = (frames: Deframer, heard: Heard): void => {
  const { capacity } = frames.rule;
  if (frames.held >= capacity) heard.fault(`it holds ${frames.held} bytes, and its capacity is ${capacity}`);
};

/** Runs a rule as a server would: by a deframer. */
export const ruleRunner = (rule: Rule, options: DeframerOptions): ((trial: Trial) => Outcome) => {
  return ({ check, chunks }) => {
    const heard = new Heard();
    const other = check === 'shared' ? deframer(rule, options) : undefined;
    if (other !== undefined) heard.beside = new Heard();
    let frames = deframer(rule, options);

    for (const chunk of chunks) {
      heard.deliver(chunk);
      frames.push(chunk);
      heard.take(() => framesOf(frames));
      checkHeld(frames, heard);
      other?.push(chunk);
      if (other !== undefined) heard.beside?.take(() => framesOf(other));
      if (check === 'poison') overwrite(chunk);
      if (check === 'state') frames = deframer(frames.rule, { ...options, state: structuredClone(frames.state()) });
    }

    heard.end();
    frames.end();
    heard.take(() => framesOf(frames));
    heard.beside?.end();
    other?.end();
    if (other !== undefined) heard.beside?.take(() => framesOf(other));
    return heard;
  };
};
