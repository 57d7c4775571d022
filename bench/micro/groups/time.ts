import { type MonoTypeOperatorFunction, Observable, Subject, identity, map, pipe, timeout } from 'rxjs';
import { pausable } from 'sluice';
import { failIfIdle, heartbeat, keepAlive } from 'sluice/operators';
import type { Contest, Group, Runner } from '../contest.js';

const HOUR = 3_600_000;
const CONNECTIONS = 1_000;

/** Takes a chunk apart, as a frame operator does. */
const apart = (chunks: Observable<readonly number[]>): Observable<number> =>
  new Observable((out) => chunks.subscribe({ next: (chunk) => chunk.forEach((message) => out.next(message)) }));

/** A connection that is watched: what comes in chunks goes through the operator a message at a time. */
const connection = (operator: MonoTypeOperatorFunction<number>, took: () => void): Subject<readonly number[]> => {
  const chunks = new Subject<readonly number[]>();
  pausable(chunks, { pause: () => {}, resume: () => {} })
    .pipe(apart, operator)
    .subscribe(took);
  return chunks;
};

/** A thousand connections, each of which gets so many messages in one chunk. */
const watched =
  (operator: MonoTypeOperatorFunction<number>, messages: number): Runner =>
  () => {
    let count = 0;
    const took = (): void => {
      count++;
    };
    const connections = Array.from({ length: CONNECTIONS }, () => connection(operator, took));
    const chunk = Array.from({ length: messages }, (_, at) => at);
    return () => {
      count = 0;
      for (const chunks of connections) chunks.next(chunk);
      return count;
    };
  };

const bare = map<number, number>(identity);
const twice = pipe(bare, bare);
const alive = keepAlive({ interval: HOUR, probe: 0, isKeepAlive: (message: number) => message < 0 }, identity);

/** `keepAlive` stands on both sides of a session, so it is beside two operators that do nothing. */
const contests = (messages: number): readonly Contest[] => {
  const name = (operator: string): string => `${operator}, ${messages} a chunk`;
  const stock = {
    map: watched(bare, messages),
    'timeout({ each })': watched(timeout({ each: HOUR }), messages),
  };
  return [
    {
      name: name('failIfIdle'),
      ours: watched(failIfIdle(HOUR), messages),
      rivals: stock,
      target: { under: 15, over: 'map' },
    },
    {
      name: name('heartbeat'),
      ours: watched(heartbeat(HOUR, 0), messages),
      rivals: { map: stock.map },
      target: { under: 15, over: 'map' },
    },
    {
      name: name('keepAlive'),
      ours: watched(alive, messages),
      rivals: { 'map, twice': watched(twice, messages) },
      target: { under: 15, over: 'map, twice' },
    },
  ];
};

const group: Group = {
  about: 'operators that watch the clock, on 1,000 connections, beside ones that do nothing and timeout of RxJS',
  unit: 'message',
  contests: [...contests(64), ...contests(1)],
};

export default group;
