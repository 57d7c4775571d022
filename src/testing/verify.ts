import { checkBoolean, checkFunction, checkHook, checkInteger, checkOneOf, checkTime } from '../check.js';
import { type DeframerOptions, type TruncatedPolicy, deframer } from '../framing/deframer.js';
import type { Rule } from '../framing/rule.js';
import { type Bytes, bytesOf } from './deliveries.js';
import { dice } from './dice.js';
import { type MakeDecoder, kindOf } from './verifier/decoder.js';
import { somePayloads } from './verifier/payloads.js';
import { ruleRunner } from './verifier/run-rule.js';
import { type VerifyCase, streamOf } from './verifier/stream.js';
import type { Outcome, Runner, Trial, VerifyCheck, Work } from './verifier/trial.js';
import { type Verification, type VerifyReport, shownReport, verify } from './verifier/verification.js';

/** What can be set for both verifiers. */
export interface VerifyOptions {
  /**
   * The most runs of the decoder (default 10,000). Where there are more, all is tried of what there are few, and a
   * choice by chance of what there are many: of the ways to cut at three places. Runs to compare with, and those that
   * look for a smaller failure, are not counted.
   */
  readonly budget?: number;
  /** What chance goes by, from 0 to 2^32 - 1 (default 1): the same seed tries the same. */
  readonly seed?: number;
  /** Whether cases may follow one another in one stream (default true). Say no where a stream begins in its own way. */
  readonly joined?: boolean;
  /** Told in a line what was tried, when all is well: `console.log`. */
  readonly report?: (line: string) => void;
}

/** What can be set for `verifyRule`. */
export interface VerifyRuleOptions extends VerifyOptions {
  /** How the rule is used: what becomes of frames that are too long or cut short, and which rule is next. */
  readonly deframer?: Omit<DeframerOptions, 'state'>;
  /** More payloads to encode, beside those of the cases and some that are made up. */
  readonly payloads?: readonly Bytes[];
}

/** What can be set for `verifyDecoder`. */
export interface VerifyDecoderOptions<A> extends VerifyOptions {
  /** The inverse: makes bytes that are cut back into the frame. A `RangeError` where there are none. */
  readonly encode?: (frame: A) => Bytes;
  /** More frames to encode, beside those that the cases give. */
  readonly payloads?: readonly A[];
  /**
   * Whether a frame may be a view of its chunk: `'no'`, it is a copy, and chunks may be written to again as soon as
   * they were taken; `'call'`, a view that is good until then; `'forever'`, chunks are never written to again.
   * Defaults to `'no'` for functions and Node streams, to `'call'` for operators.
   */
  readonly views?: 'no' | 'call' | 'forever';
  /**
   * What must become of a frame that the end cuts short: `'error'`, `'drop'`, or `'emit'` what there is of it. Without
   * it any of these will do, if it is the same however the bytes were cut. With `'error'`, every end must be an error
   * that does not come right after a frame: leave it out where bytes may belong to no frame.
   */
  readonly truncated?: TruncatedPolicy;
  /** Whether a frame has to be there as soon as its last byte is (default true). Say no where decoding takes time. */
  readonly prompt?: boolean;
  /** Milliseconds in which an operator or a stream has to end after its input has (default 1000). */
  readonly timeout?: number;
}

const DEFAULT_BUDGET = 10_000;

const HIGHEST_SEED = 2 ** 32 - 1;

/**
 * Finds out whether a rule is right: one of the package's, or your own. Throws a `VerifyFailed` if it is not.
 *
 *     verifyRule(line(), [
 *       { wire: 'hello\r\n\nworld\n', frames: ['hello', '', 'world'] },
 *       { wire: 'hello\nwor', frames: ['hello'], error: TruncatedFrame },
 *     ]);
 *
 * The cases are cut in every way there is, within the budget, each alone and one after another. They have to give their
 * frames each time, as soon as the last byte of each is there, and the same errors. See `VerifyCheck` for what else is
 * looked at: all but `reset` and `leave`. A rule that has `encode` must cut back what it encodes, where no other rule
 * is `next`. `raw()` is not right in this sense, on purpose.
 */
export const verifyRule = (rule: Rule, cases: readonly VerifyCase[], options: VerifyRuleOptions = {}): VerifyReport => {
  const { deframer: used = {}, payloads = [], ...common } = options;
  deframer(rule, used); // An option that is none is the caller's error, not the rule's.
  const ready = checked(cases, payloads, common);
  // Payloads that another rule cut are nothing to this one.
  const encode = used.next === undefined ? rule.encode?.bind(rule) : undefined;
  checkPayloads(payloads, encode);
  const report = drive(
    verify({
      ...ready,
      terms: { prompt: true, truncated: undefined, views: true },
      checks: new Set<VerifyCheck>(['split', 'inside', 'poison', 'state', 'shared', 'end']),
      encode,
      payloads: [...payloads.map(bytesOf), ...somePayloads(rule.capacity, dice(ready.seed))],
      given: { by: 'verifyRule', subject: 'rule', options: { deframer: used, joined: common.joined } },
    }),
    ruleRunner(rule, used),
  );
  common.report?.(shownReport(report));
  return report;
};

/**
 * Finds out whether a decoder is right, whoever made it. Rejects with a `VerifyFailed` if it is not.
 *
 *     await verifyDecoder(() => frameLines(), [{ wire: 'hello\r\n\nworld\n', frames: ['hello', '', 'world'] }]);
 *
 * `makeDecoder` makes one for each run. What it makes tells how it is run:
 *
 * | it makes                                                     | it is run                                       |
 * | ------------------------------------------------------------ | ----------------------------------------------- |
 * | a function from a chunk to frames, `end` and `state` with it | called with each chunk, then `end` is           |
 * | an RxJS operator                                             | subscribed to, over a source of chunks          |
 * | a Node stream, a Transform or another Duplex                 | written to, and listened to; Buffers are chunks |
 *
 * See `VerifyCheck` for what is looked at. A Node stream is reset by `destroy`, as `pipeline` does it; where its frames
 * may be empty, it needs `readableObjectMode`.
 */
export const verifyDecoder = async <A, S = unknown>(
  makeDecoder: MakeDecoder<A, S>,
  cases: readonly VerifyCase<A>[],
  options: VerifyDecoderOptions<A> = {},
): Promise<VerifyReport> => {
  const { encode, payloads = [], views, truncated, prompt = true, timeout = 1000, ...common } = options;
  checkFunction('makeDecoder', makeDecoder);
  checkHook('encode', encode);
  checkPayloads(payloads, encode);
  if (truncated !== undefined) checkOneOf('truncated', truncated, ['error', 'drop', 'emit']);
  if (views !== undefined) checkOneOf('views', views, ['no', 'call', 'forever']);
  checkBoolean('prompt', prompt);
  checkTime('timeout', timeout);
  const ready = checked(cases, payloads, common);
  const kind = kindOf(makeDecoder as MakeDecoder<unknown>, timeout);
  const viewed = views ?? kind.views;
  const report = await driveAsync(
    verify({
      ...ready,
      terms: { prompt, truncated, views: viewed === 'call' },
      checks: new Set([...kind.checks].filter((check) => !(check === 'poison' && viewed === 'forever'))),
      encode,
      payloads,
      given: {
        by: 'verifyDecoder',
        subject: /^[A-Za-z_$][\w$]*$/.test(makeDecoder.name) ? makeDecoder.name : 'makeDecoder',
        options: { encode, views, truncated, prompt: options.prompt, timeout: options.timeout, joined: common.joined },
      },
    }),
    kind.run,
  );
  common.report?.(shownReport(report));
  return report;
};

const checkPayloads = (payloads: readonly unknown[], encode: unknown): void => {
  if (payloads.length > 0 && encode === undefined) throw new TypeError('payloads must have an encode to go with them');
};

/** What both verifiers need, checked. */
const checked = (
  cases: readonly VerifyCase<unknown>[],
  payloads: readonly unknown[],
  { budget = DEFAULT_BUDGET, seed = 1, joined = true, report }: VerifyOptions,
): Pick<Verification, 'streams' | 'joined' | 'budget' | 'seed'> => {
  checkHook('report', report);
  if (cases.length + payloads.length === 0) throw new RangeError('cases must be one or more, got none');
  return {
    streams: cases.map(streamOf),
    joined: checkBoolean('joined', joined),
    budget: checkInteger('budget', budget, 1),
    seed: checkInteger('seed', seed, 0, HIGHEST_SEED),
  };
};

/** Makes the runs that a work asks for. */
const drive = <A>(work: Work<A>, run: (trial: Trial) => Outcome): A => {
  let step = work.next();
  while (step.done !== true) step = work.next(run(step.value));
  return step.value;
};

/** The same, where a run takes time. */
const driveAsync = async <A>(work: Work<A>, run: Runner): Promise<A> => {
  let step = work.next();
  while (step.done !== true) {
    const outcome = run(step.value);
    step = work.next(outcome instanceof Promise ? await outcome : outcome);
  }
  return step.value;
};
