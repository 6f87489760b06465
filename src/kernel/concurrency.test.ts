import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  aborted,
  backoffMs,
  coalesce,
  createBackground,
  createKeyedMutex,
  createMutex,
  giveWay,
  pause,
  repeat,
  within,
} from './concurrency.ts';

const turns = async (n: number) => {
  for (let i = 0; i < n; i += 1) await Promise.resolve();
};

describe('a mutex', () => {
  test('runs one at a time, in the order of the calls, whatever fails', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ takes: fc.nat(5), fails: fc.boolean() }), { maxLength: 20 }),
        async (jobs) => {
          const run = createMutex();
          const log: string[] = [];
          let running = 0;
          const results = await Promise.allSettled(
            jobs.map(({ takes, fails }, n) =>
              run(async () => {
                running += 1;
                expect(running).toBe(1);
                log.push(`${n}`);
                await turns(takes);
                running -= 1;
                if (fails) throw new Error(`${n}`);
                return n;
              }),
            ),
          );
          expect(log).toEqual(jobs.map((_, n) => `${n}`));
          expect(results.map(({ status }) => status === 'rejected')).toEqual(jobs.map(({ fails }) => fails));
        },
      ),
    );
  });

  test('of one key does not hold up another, and keys without work are forgotten', async () => {
    const mutex = createKeyedMutex<string>();
    const held = Promise.withResolvers<void>();
    const first = mutex.run('a', () => held.promise);
    const second = mutex.run('a', async () => 'second');
    expect(await mutex.run('b', async () => 'other')).toBe('other');
    expect([mutex.pending('a'), mutex.pending('b')]).toEqual([2, 0]);
    held.resolve();
    await first;
    expect(await second).toBe('second');
    expect(mutex.pending('a')).toBe(0);
  });
});

describe('work in the background', () => {
  test('is over when all of it is, what was added meanwhile too', async () => {
    const background = createBackground();
    const done: string[] = [];
    void background.add(
      turns(2).then(() => {
        done.push('first');
        void background.add(turns(3).then(() => void done.push('added meanwhile')));
      }),
    );
    void background.add(turns(1).then(() => void done.push('short')));
    await background.idle();
    expect(done).toEqual(['short', 'first', 'added meanwhile']);
    await background.idle();
  });
});

describe('coalesced work', () => {
  test('is shared by those who ask while it runs, and done anew for those after', async () => {
    let runs = 0;
    let idle = 0;
    const shared = coalesce(
      async () => {
        runs += 1;
        await turns(3);
        return runs;
      },
      () => {
        idle += 1;
      },
    );
    expect(await Promise.all([shared.run(), shared.run(), shared.run()])).toEqual([1, 1, 1]);
    expect(shared.current()).toBeUndefined();
    expect(await shared.run()).toBe(2);
    expect(idle).toBe(2);
  });

  test('that fails, fails for all who share it, and for nobody after', async () => {
    let fails = true;
    const shared = coalesce(async () => {
      if (fails) throw new Error('away');
    });
    const both = await Promise.allSettled([shared.run(), shared.run()]);
    expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    fails = false;
    await shared.run();
  });
});

describe('repeated work', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test('never runs twice at once, and not after the stop, which waits for it', async () => {
    let runs = 0;
    const held = Promise.withResolvers<void>();
    const repeated = repeat(100, async () => {
      runs += 1;
      await held.promise;
    });
    repeated.start();
    await vi.advanceTimersByTimeAsync(350);
    expect(runs).toBe(1);
    let isStopped = false;
    const stopped = repeated.stop().then(() => {
      isStopped = true;
    });
    await turns(5);
    expect(isStopped).toBe(false);
    held.resolve();
    await stopped;
    await vi.advanceTimersByTimeAsync(500);
    expect(runs).toBe(1);
  });

  test('a pause ends early by an abort', async () => {
    const stop = new AbortController();
    const paused = pause(60_000, stop.signal);
    stop.abort();
    await paused;
  });

  test('a limit of time rejects, and lets the work go on', async () => {
    let isDone = false;
    const work = (async () => {
      await new Promise((resolve) => setTimeout(resolve, 200));
      isDone = true;
    })();
    const limited = within(100, work, () => new Error('late'));
    const seen = expect(limited).rejects.toThrow('late');
    await vi.advanceTimersByTimeAsync(250);
    await seen;
    expect(isDone).toBe(true);
    expect(await within(100, Promise.resolve('in time'), () => new Error('late'))).toBe('in time');
  });
});

test('waits double up to the longest', () => {
  const waits = Array.from({ length: 6 }, (_, attempt) => backoffMs({ firstMs: 100, longestMs: 1_000 }, attempt));
  expect(waits).toEqual([100, 200, 400, 800, 1_000, 1_000]);
  expect(backoffMs({ firstMs: 1, longestMs: 5_000 }, 10_000)).toBe(5_000);
});

test('waits grow as told, and only the share that is left to chance differs', () => {
  const duration = fc.integer({ min: 1, max: 100_000 });
  const options = { firstMs: duration, longestMs: duration, growth: fc.integer({ min: 1, max: 10 }) };
  const jitter = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(
    fc.property(fc.record(options), jitter, fc.nat(1_000), (backoff, share, attempt) => {
      const whole = backoffMs(backoff, attempt);
      expect(whole).toBeLessThanOrEqual(backoff.longestMs);
      expect(backoffMs(backoff, attempt + 1)).toBeGreaterThanOrEqual(whole);
      const shaken = backoffMs({ ...backoff, jitter: share }, attempt);
      expect(shaken).toBeLessThanOrEqual(whole);
      expect(shaken).toBeGreaterThanOrEqual(whole * (1 - share));
    }),
  );
  expect([0, 1, 2].map((attempt) => backoffMs({ firstMs: 5, longestMs: 60, growth: 4 }, attempt))).toEqual([5, 20, 60]);
  const waits = Array.from({ length: 20 }, () => backoffMs({ firstMs: 100, longestMs: 100, jitter: 0.5 }, 0));
  expect(new Set(waits).size).toBeGreaterThan(1);
});

test('an abort is seen whether it is still to come or over', async () => {
  await aborted(AbortSignal.abort());
  const stop = new AbortController();
  let isSeen = false;
  const seen = aborted(stop.signal).then(() => {
    isSeen = true;
  });
  await turns(5);
  expect(isSeen).toBe(false);
  stop.abort();
  await seen;
});

test('giving way lets what waits have its turn', async () => {
  const order: string[] = [];
  setImmediate(() => order.push('other'));
  await giveWay();
  order.push('own');
  expect(order).toEqual(['other', 'own']);
});
