import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { FrameTooLong, MalformedFrame, TruncatedFrame } from '../src/errors.js';
import { type Deframer, type DeframerOptions, deframer } from '../src/framing/deframer.js';
import { delimited } from '../src/framing/delimited.js';
import { fixed } from '../src/framing/fixed.js';
import { lengthPrefixed } from '../src/framing/length-prefixed.js';
import { line } from '../src/framing/line.js';
import { netstring } from '../src/framing/netstring.js';
import { raw } from '../src/framing/raw.js';
import { type Rule, found, malformed, more } from '../src/framing/rule.js';
import { varint } from '../src/framing/varint.js';
import { bytes, text } from './kit/bytes.js';
import { deliveries } from '../src/testing/deliveries.js';
import { frameCases } from './kit/frame-cases.js';
import { heard, thrown } from './kit/heard.js';
import { suite } from './kit/suite.js';

const test = suite('deframer');

/** All that can be had at the moment. */
const whole = (frames: Deframer): string[] => {
  const all: string[] = [];
  for (let frame = frames.next(); frame !== undefined; frame = frames.next()) all.push(text(frame));
  return all;
};

const cut = (frames: Deframer, wire: string): string[] => {
  frames.push(bytes(wire));
  return whole(frames);
};

/** What comes out of `chunks`, and how it ends. */
const run = (chunks: readonly Uint8Array[], rule: Rule, options?: DeframerOptions) =>
  heard((next) => {
    const frames = deframer(rule, options);
    const pull = (): void => {
      for (let frame = frames.next(); frame !== undefined; frame = frames.next()) next(frame);
    };
    for (const chunk of chunks) {
      frames.push(chunk);
      pull();
    }
    frames.end();
    pull();
  });

for (const { name, rule, options, wire, frames, error } of frameCases) {
  test(`every delivery: ${name}`, () => {
    for (const chunks of deliveries(bytes(wire)))
      assert.equal(run(chunks, rule, options), { frames, error: thrown(error) });
  });

  test(`chunks that wait: ${name}`, () => {
    for (const chunks of deliveries(bytes(wire), 1)) {
      const outcome = heard((next) => {
        const waiting = deframer(rule, options);
        for (const chunk of chunks) waiting.push(chunk);
        waiting.end();
        for (let frame = waiting.next(); frame !== undefined; frame = waiting.next()) next(frame);
      });
      assert.equal(outcome, { frames, error: thrown(error) });
    }
  });

  test(`taken out and put back: ${name}`, () => {
    for (let at = 0; at <= wire.length; at++) {
      let skipped = 0;
      const outcome = heard((next) => {
        const before = deframer(rule, options);
        before.push(bytes(wire.slice(0, at)));
        for (let frame = before.next(); frame !== undefined; frame = before.next()) next(frame);
        const after = deframer(ruleNamed(before, rule), { ...options, state: structuredClone(before.state()) });
        after.push(bytes(wire.slice(at)));
        after.end();
        for (let frame = after.next(); frame !== undefined; frame = after.next()) next(frame);
        skipped = after.skipped;
      });
      assert.equal(outcome, { frames, error: thrown(error) });
      if (error === undefined) assert.is(skipped, skippedIn(wire, rule, options));
    }
  });
}

/** The rule in force: the one that was given, or one that it was switched to. */
const ruleNamed = (frames: Deframer, rule: Rule): Rule => {
  assert.is(frames.state().rule, frames.rule.name);
  return frames.rule.name === rule.name ? rule : frames.rule;
};

const skippedIn = (wire: string, rule: Rule, options?: DeframerOptions): number => {
  const frames = deframer(rule, options);
  cut(frames, wire);
  frames.end();
  whole(frames);
  return frames.skipped;
};

// ── views, copies, memory ───────────────────────────────────────────────────────────────────────────────────────────

test('gives a view of a frame that lies whole in a chunk, and a copy of one that does not', () => {
  const frames = deframer(fixed(3));
  const [first, second] = [bytes('abcd'), bytes('efghi')];
  frames.push(first);
  assert.is(frames.next()?.buffer, first.buffer);
  assert.is(frames.next(), undefined);
  frames.push(second);
  const straddling = frames.next();
  assert.is(text(straddling as Uint8Array), 'def');
  assert.is.not(straddling?.buffer, second.buffer);
  assert.is(frames.next()?.buffer, second.buffer, 'back to views once the rest lies in the chunk');
});

test('gives plain Uint8Arrays, also of Buffers', () => {
  const frames = deframer(fixed(2));
  frames.push(Buffer.from('abc'));
  frames.push(Buffer.from('de'));
  for (let frame = frames.next(); frame !== undefined; frame = frames.next()) {
    assert.is(Object.getPrototypeOf(frame), Uint8Array.prototype);
  }
});

test('keeps nothing of a chunk once it has given nothing', () => {
  const frames = deframer(lengthPrefixed(2));
  const chunk = bytes('\0\x05hel');
  frames.push(chunk);
  assert.is(frames.next(), undefined);
  chunk.fill(0);
  assert.equal(cut(frames, 'lo'), ['hello']);
});

test('says what it holds, where it is, and whether a frame is under way', () => {
  const frames = deframer(lengthPrefixed(1));
  assert.not(frames.underWay);
  assert.equal(cut(frames, '\x02hi\x03a'), ['hi']);
  assert.is(frames.held, 2);
  assert.is(frames.offset, 3);
  assert.ok(frames.underWay);
  assert.equal(cut(frames, 'bc'), ['abc']);
  assert.is(frames.held, 0);
  assert.is(frames.offset, 7);
  assert.not(frames.underWay);
});

test('counts the bytes of chunks that wait', () => {
  const frames = deframer(fixed(4));
  for (const chunk of ['ab', 'cd', 'e']) frames.push(bytes(chunk));
  assert.is(frames.held, 5);
  assert.equal(whole(frames), ['abcd']);
  assert.is(frames.held, 1);
});

test('reserves nothing for what is announced', () => {
  const frames = deframer(lengthPrefixed({ width: 4, limit: 2 ** 30 }));
  const before = process.memoryUsage().arrayBuffers;
  assert.equal(cut(frames, '\x3f\xff\xff\xffhi'), []);
  assert.is(frames.held, 6);
  assert.ok(process.memoryUsage().arrayBuffers - before < 1_000_000);
});

test('a large frame that is cut up is put together in memory of its own size', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 20_000 }), { minLength: 1, maxLength: 6 }),
      fc.array(fc.integer({ min: 1, max: 12_000 }), { minLength: 1, maxLength: 8 }),
      (sizes, cuts) => {
        const rule = lengthPrefixed(2);
        const payloads = sizes.map((size, index) =>
          Uint8Array.from({ length: size }, (_, at) => (at * 7 + index) % 251),
        );
        const wire = Buffer.concat(payloads.map(rule.encode));
        const frames = deframer(rule);
        const seen: Uint8Array[] = [];
        for (let from = 0, next = 0; from < wire.length; next++) {
          const end = from + (cuts[next % cuts.length] as number);
          const chunk = new Uint8Array(wire.subarray(from, end));
          frames.push(chunk);
          for (let frame = frames.next(); frame !== undefined; frame = frames.next()) {
            seen.push(frame);
            // A view of the chunk, or of what is the frame's alone.
            assert.ok(frame.buffer === chunk.buffer || frame.buffer.byteLength <= frame.length + 2);
          }
          chunk.fill(0xee, chunk.length - frames.held);
          from = end;
        }
        assert.equal(seen.map(text), payloads.map(text));
        assert.is(frames.held, 0);
      },
    ),
  );
});

test('holds less than its capacity of endless data without an end', () => {
  const chunk = new Uint8Array(1000).fill(65);
  const strict = deframer(line(5000));
  assert.throws(
    () => {
      for (let pushed = 0; pushed < 100; pushed++) {
        strict.push(chunk);
        strict.next();
        assert.ok(strict.held <= 5002);
      }
    },
    new RegExp(new FrameTooLong(5001, 5000, 0).message.replaceAll(/[()]/g, String.raw`\$&`)),
  );
  assert.is(strict.held, 0);

  const told: FrameTooLong[] = [];
  const lenient = deframer(line(5000), { onTooLong: 'skip', onSkipped: (why) => told.push(why) });
  for (let pushed = 0; pushed < 100; pushed++) {
    lenient.push(chunk);
    assert.is(lenient.next(), undefined);
    assert.ok(lenient.held <= 5002);
  }
  assert.ok(lenient.held <= 1, 'only what may be the beginning of an end is kept while skipping');
  assert.ok(lenient.underWay);
  assert.equal(cut(lenient, '\nabc\n'), ['abc']);
  assert.is(lenient.skipped, 1);
  assert.equal(
    told.map(({ limit }) => limit),
    [5000],
  );
  assert.is(lenient.offset, 100_005);
});

test('a rule that never finds an end is held to its capacity', () => {
  const frames = deframer({ capacity: 10, judge: () => more });
  assert.equal(cut(frames, '123456789'), []);
  assert.equal(thrown(raise(() => cut(frames, '0'))), thrown(new FrameTooLong(11, 10, 0)));
});

test('a rule that finds more than its capacity is held to it', () => {
  const frames = deframer({ capacity: 10, judge: () => found(2, 9) });
  assert.equal(thrown(raise(() => cut(frames, '1'))), thrown(new FrameTooLong(11, 10, 0)));
});

// ── linear time ─────────────────────────────────────────────────────────────────────────────────────────────────────

/** The same rule, and how often it is asked and looks at bytes. */
const counted = (rule: Rule) => {
  const count = { judged: 0, looked: 0 };
  const counting: Rule = {
    ...rule,
    judge: (front, seen, ended) => {
      count.judged++;
      const watched = {
        length: front.length,
        at: (index: number) => {
          count.looked++;
          return front.at(index);
        },
        indexOf: (byte: number, from: number) => {
          const place = front.indexOf(byte, from);
          count.looked += (place < 0 ? front.length : place + 1) - from;
          return place;
        },
        uint: (index: number, width: number, littleEndian?: boolean) => {
          count.looked += width;
          return front.uint(index, width, littleEndian);
        },
      };
      return rule.judge(watched, seen, ended);
    },
  };
  return { count, counting };
};

test('a frame whose size is known is not judged again before it is there', () => {
  const size = 8 * 1024 * 1024;
  const { count, counting } = counted(lengthPrefixed({ width: 4, limit: size }));
  const frames = deframer(counting);
  frames.push(Uint8Array.of(0, 128, 0, 0));
  const chunk = new Uint8Array(16);
  for (let pushed = 0; pushed < size - 16; pushed += 16) {
    frames.push(chunk);
    assert.is(frames.next(), undefined);
  }
  assert.is(count.judged, 1);
  frames.push(chunk);
  assert.is(frames.next()?.length, size);
  assert.is(count.judged, 2);
});

for (const [name, rule] of [
  ['one delimiter', delimited('--', { limit: 100_000 })],
  ['several', delimited(['\r', '\r\n', ';;;'], { limit: 100_000 })],
  ['lines', line({ maxBytes: 100_000 })],
] as const) {
  test(`bytes are not looked through again: ${name}`, () => {
    const { count, counting } = counted(rule);
    const frames = deframer(counting);
    const chunk = bytes('abcd;-ef');
    for (let pushed = 0; pushed < 10_000; pushed++) {
      frames.push(chunk);
      assert.is(frames.next(), undefined);
    }
    assert.ok(count.looked < 80_000 * 6, `looked at ${count.looked} bytes of 80,000`);
  });
}

// ── the end ─────────────────────────────────────────────────────────────────────────────────────────────────────────

test('gives nothing more after an error, and throws it once', () => {
  const frames = deframer(netstring());
  assert.equal(
    thrown(raise(() => cut(frames, 'x1:a,'))),
    thrown(new MalformedFrame('0x78 where a digit should stand', 0)),
  );
  assert.equal(cut(frames, '1:a,'), []);
  assert.is(frames.held, 0);
  frames.end();
  assert.is(frames.next(), undefined);
  const after = deframer(netstring(), { state: frames.state() });
  assert.equal(cut(after, '1:a,'), [], 'and nor does one that goes on from there');
});

test('gives nothing more after what a rule throws', () => {
  const frames = deframer({
    capacity: 10,
    judge: (front) => {
      if (front.at(0) === 33) throw new Error('not that one');
      return found(0, 1);
    },
  });
  frames.push(bytes('a!b'));
  assert.is(text(frames.next() as Uint8Array), 'a');
  assert.throws(() => frames.next(), /not that one/);
  assert.equal(cut(frames, 'c'), []);
});

test('an end can be told with a policy of its own', () => {
  const frames = deframer(fixed(3));
  assert.equal(cut(frames, 'abcd'), ['abc']);
  frames.end('drop');
  assert.is(frames.next(), undefined);
  assert.is(frames.held, 0);
});

test('after a frame that was cut short there is nothing more', () => {
  for (const onTruncated of ['error', 'drop', 'emit'] as const) {
    const frames = deframer(fixed(3), { onTruncated });
    frames.push(bytes('ab'));
    frames.end();
    if (onTruncated === 'error') assert.equal(thrown(raise(() => frames.next())), thrown(new TruncatedFrame(2, 0)));
    else if (onTruncated === 'emit') assert.is(text(frames.next() as Uint8Array), 'ab');
    assert.is(frames.next(), undefined);
  }
});

test('lets go of everything when it is closed', () => {
  const frames = deframer(fixed(3));
  cut(frames, 'abcd');
  frames.push(bytes('ef'));
  frames.close();
  assert.is(frames.held, 0);
  assert.not(frames.underWay);
  assert.equal(cut(frames, 'abc'), []);
});

// ── rules that change ───────────────────────────────────────────────────────────────────────────────────────────────

test('a rule can be set between two frames', () => {
  for (const chunks of deliveries(bytes('hello\nworld!'))) {
    const frames = deframer(line());
    const all: string[] = [];
    for (const chunk of chunks) {
      frames.push(chunk);
      for (let frame = frames.next(); frame !== undefined; frame = frames.next()) {
        all.push(text(frame));
        if (frames.rule.name?.startsWith('line') === true) frames.rule = fixed(2);
      }
    }
    assert.equal(all, ['hello', 'wo', 'rl', 'd!']);
  }
});

test('a rule can be set in the middle of a frame', () => {
  const frames = deframer(lengthPrefixed(4));
  assert.equal(cut(frames, '\0\0\0\x09abc'), []);
  frames.rule = fixed(1);
  assert.equal(whole(frames), ['\0', '\0', '\0', '\x09', 'a', 'b', 'c']);
});

test('a line protocol can turn to raw bytes', () => {
  for (const chunks of deliveries(bytes('hi\nDATA\n1\n23'))) {
    const { frames, error } = run(chunks, line(), {
      next: (frame, rule) => (text(frame) === 'DATA' ? raw() : rule),
    });
    assert.is(error, undefined);
    assert.equal([...frames.slice(0, 2), frames.slice(2).join('')], ['hi', 'DATA', '1\n23']);
  }
});

test('an error of what chooses the next rule comes after the frame', () => {
  const { frames, error } = run([bytes('a\nb\nc\n')], line(), {
    next: (frame, rule) => {
      if (text(frame) === 'b') throw new Error('no such thing');
      return rule;
    },
  });
  assert.equal(frames, ['a', 'b']);
  assert.equal(error, ['Error', 'no such thing']);
});

test('what chooses the next rule has to choose one', () => {
  const { frames, error } = run([bytes('a\nb\n')], line(), { next: () => undefined as unknown as Rule });
  assert.equal(frames, ['a']);
  assert.equal(error, ['TypeError', 'rule must be a rule, got undefined']);
});

test('the rest can be handed on', () => {
  const frames = deframer(line());
  frames.push(bytes('CONNECT\nra'));
  frames.push(bytes('w'));
  assert.is(text(frames.next() as Uint8Array), 'CONNECT');
  assert.is(text(frames.rest()), 'raw');
  assert.is(frames.held, 0);
  assert.is(frames.offset, 11);
  assert.equal(cut(frames, 'a\n'), ['a']);
});

test('the rest can be handed on in the middle of a frame', () => {
  const frames = deframer(line());
  assert.equal(cut(frames, 'hel'), []);
  frames.push(bytes('lo'));
  assert.is(text(frames.rest()), 'hello');
});

// ── varint ──────────────────────────────────────────────────────────────────────────────────────────────────────────

test('a varint of 2^21 is one length, wherever its four bytes are cut', () => {
  const size = 2 ** 21;
  const rule = varint({ limit: size });
  const wire = rule.encode(new Uint8Array(size).fill(7));
  assert.equal([...wire.subarray(0, 4)], [128, 128, 128, 1]);
  for (let at = 1; at <= 4; at++) {
    const frames = deframer(rule);
    for (const chunk of [wire.subarray(0, at), wire.subarray(at)]) frames.push(chunk);
    assert.equal(frames.next()?.length, size);
    assert.is(frames.next(), undefined);
  }
});

// ── options and state ───────────────────────────────────────────────────────────────────────────────────────────────

test('refuses options that are none', () => {
  const options = (some: { readonly [option in keyof DeframerOptions]?: unknown }) => () =>
    deframer(fixed(1), some as never);
  assert.throws(options({ onTooLong: 'drop' }), /onTooLong must be one of "error", "skip", got "drop"/);
  assert.throws(options({ onTruncated: 'skip' }), /onTruncated must be one of "error", "drop", "emit", got "skip"/);
  assert.throws(options({ next: 7 }), /next must be a function, got 7/);
  assert.throws(() => deframer(fixed(1)).end('keep' as 'drop'), /onTruncated must be one of/);
});

test('refuses what is no rule', () => {
  const rule = (some: unknown) => () => deframer(some as Rule);
  const judge = () => more;
  assert.throws(rule(null), /rule must be a rule, got null/);
  assert.throws(rule({ capacity: 1 }), /rule.judge must be a function/);
  assert.throws(rule({ judge, capacity: 0 }), /rule.capacity must be a whole number from 1/);
  assert.throws(rule({ judge, capacity: 2, tail: 2 }), /rule.tail must be a whole number from 0 to 1/);
  assert.throws(() => {
    deframer(fixed(1)).rule = { judge, capacity: -1 };
  }, /rule.capacity/);
});

test('refuses a state that is none', () => {
  const state = deframer(fixed(1)).state();
  const given = (some: object) => () => deframer(fixed(1), { state: { ...state, ...some } });
  assert.throws(given({ bytes: 'abc' }), /state.bytes must be bytes/);
  assert.throws(given({ offset: -1 }), /state.offset/);
  assert.throws(given({ skip: -2 }), /state.skip/);
  assert.throws(given({ over: 'no' }), /state.over must be true or false/);
});

test('a state is of one moment: what comes later does not change it', () => {
  const frames = deframer(fixed(4));
  cut(frames, 'abcdab');
  const state = frames.state();
  cut(frames, 'cdef');
  assert.equal(state, {
    rule: 'fixed(4)',
    bytes: bytes('ab'),
    offset: 4,
    dropped: 0,
    skip: 0,
    skipped: 0,
    over: false,
  });
});

test('goes on in the middle of what it skips', () => {
  const options = { onTooLong: 'skip' } as const;
  const before = deframer(lengthPrefixed({ width: 1, limit: 2 }), options);
  assert.equal(cut(before, '\x05ab'), []);
  const after = deframer(lengthPrefixed({ width: 1, limit: 2 }), { ...options, state: before.state() });
  assert.ok(after.underWay);
  assert.equal(cut(after, 'cde\x01x'), ['x']);
  assert.is(after.skipped, 1);
  assert.is(after.offset, 8);
});

test('a malformed frame is an error, also where too long ones are skipped', () => {
  const rule: Rule = { capacity: 4, judge: (front) => (front.at(0) === 0 ? malformed('a zero') : found(0, 1)) };
  const { frames, error } = run([bytes('a\0b')], rule, { onTooLong: 'skip' });
  assert.equal(frames, ['a']);
  assert.equal(error, thrown(new MalformedFrame('a zero', 1)));
});

test('a malformed frame has the cause that its rule gives, and none where it gives none', () => {
  const code = { code: 3 };
  const failed = (...why: Parameters<typeof malformed>): unknown => {
    const frames = deframer({ capacity: 4, judge: () => malformed(...why) });
    frames.push(bytes('a'));
    return raise(() => frames.next());
  };
  assert.is((failed('a zero', undefined, code) as Error).cause, code);
  assert.is((failed('a zero', undefined, 0) as Error).cause, 0);
  assert.not.ok(Object.hasOwn(failed('a zero') as Error, 'cause'));
});

const raise = (work: () => unknown): unknown => {
  try {
    work();
  } catch (error) {
    return error;
  }
  return undefined;
};

test.run();
