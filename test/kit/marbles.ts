import { TestScheduler } from 'rxjs/testing';
import * as assert from 'uvu/assert';

type Body = Parameters<TestScheduler['run']>[0];

/** uvu compares errors by own keys only, and Buffer with Uint8Array as different: make both plain. */
const plain = (value: unknown): unknown => {
  if (value instanceof Error)
    return { error: value.name, message: value.message, code: (value as { code?: unknown }).code };
  if (value instanceof Uint8Array) return `bytes:${Buffer.from(value).toString('hex')}`;
  if (Array.isArray(value)) return value.map(plain);
  if (value !== null && typeof value === 'object')
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
  return value;
};

/** Runs a marble test in virtual time. */
export const marbles =
  (body: Body): (() => void) =>
  () => {
    new TestScheduler((actual, expected) => {
      assert.equal(plain(actual), plain(expected));
    }).run(body);
  };
