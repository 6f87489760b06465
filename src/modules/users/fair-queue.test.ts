import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createFairQueue, type FairQueueOptions } from './fair-queue.ts';

/** A queue whose work ends when the test says so. */
function setup(options: Partial<FairQueueOptions> = {}) {
  const queue = createFairQueue({
    concurrency: 1,
    maxWaiting: 100,
    maxWaitingOfOne: 100,
    refusal: () => new Error('full'),
    ...options,
  });
  const started: string[] = [];
  const ends: (() => void)[] = [];
  const outcomes: Promise<unknown>[] = [];
  return {
    started,
    ask(client: string, name = client): void {
      const work = () => {
        started.push(name);
        return new Promise<void>((end) => ends.push(end));
      };
      outcomes.push(queue.run(client, work).catch((error: Error) => error.message));
    },
    /** Ends what runs, one after the other, until nothing waits. */
    async drain(): Promise<unknown[]> {
      for (let end = ends.shift(); end !== undefined; end = ends.shift()) {
        end();
        await new Promise((resolve) => setImmediate(resolve));
      }
      return await Promise.all(outcomes);
    },
  };
}

describe('a fair queue', () => {
  test('clients take turns, each in its own order', async () => {
    const { ask, drain, started } = setup();
    for (const name of ['a1', 'a2', 'a3', 'a4']) ask('a', name);
    for (const name of ['b1', 'b2']) ask('b', name);
    ask('c', 'c1');
    await drain();
    expect(started).toEqual(['a1', 'a2', 'b1', 'c1', 'a3', 'b2', 'a4']);
  });

  test('one client is refused when as many of its own wait as may, others are not', async () => {
    const { ask, drain } = setup({ maxWaitingOfOne: 2 });
    for (let i = 0; i < 5; i++) ask('a');
    ask('b');
    expect(await drain()).toEqual([undefined, undefined, undefined, 'full', 'full', undefined]);
  });

  test('everybody is refused when as many wait as may in all', async () => {
    const { ask, drain } = setup({ maxWaiting: 2 });
    for (const client of ['a', 'b', 'c', 'd']) ask(client);
    expect(await drain()).toEqual([undefined, undefined, undefined, 'full']);
  });

  test('a newcomer takes the place of the latest of whoever has most waiting, and nobody waits twice as long for it', async () => {
    const { ask, drain, started } = setup({ maxWaiting: 4, maxWaitingOfOne: 4 });
    for (const name of ['a0', 'a1', 'a2', 'a3', 'a4']) ask('a', name);
    ask('b', 'b1');
    ask('c', 'c1');
    // Its line would be as long as the longest one is.
    ask('b', 'b2');
    expect(await drain()).toEqual([undefined, undefined, undefined, 'full', 'full', undefined, undefined, 'full']);
    expect(started).toEqual(['a0', 'a1', 'b1', 'c1', 'a2']);
  });

  test('whoever never had a turn takes the place of whoever had most, although each has but one waiting', async () => {
    const time = { now: 0 };
    const { ask, drain, started } = setup({ maxWaiting: 3, now: () => time.now });
    // Each had one turn, `c` two, and each comes again at once.
    for (const client of ['a', 'b', 'c', 'c']) ask(client);
    await drain();
    for (const [client, again] of [
      ['c', 'c3'],
      ['a', 'a2'],
      ['b', 'b2'],
      ['c', 'c4'],
    ] as const)
      ask(client, again);
    ask('new');
    ask('newer');
    // `a` has given way; there is nobody left who had more turns than one of them had.
    ask('a', 'a3');
    time.now = 200_000;
    const outcomes = await drain();
    expect(started.slice(4)).toEqual(['c3', 'b2', 'new', 'newer']);
    expect(outcomes.slice(4)).toEqual([undefined, 'full', undefined, 'full', undefined, undefined, 'full']);
  });

  test('turns are forgotten after two minutes', async () => {
    const time = { now: 0 };
    const { ask, drain } = setup({ maxWaiting: 1, now: () => time.now });
    for (const client of ['a', 'b']) ask(client);
    await drain();
    time.now = 121_000;
    for (const client of ['c', 'a', 'new']) ask(client);
    // As new as the other one.
    expect((await drain()).slice(2)).toEqual([undefined, undefined, 'full']);
  });

  test('work that fails makes room like any other', async () => {
    const queue = createFairQueue({ concurrency: 1, maxWaiting: 1, maxWaitingOfOne: 1, refusal: () => new Error() });
    const fail = () => queue.run('a', () => Promise.reject(new Error('failed')));
    const [first, second] = [fail(), fail()];
    await expect(first).rejects.toThrow('failed');
    await expect(second).rejects.toThrow('failed');
    expect(await queue.run('a', async () => 'free')).toBe('free');
  });

  test('whatever is asked, all of it runs once, never more at once than may', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 4 }),
        fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 60 }),
        async (concurrency, clients) => {
          const queue = createFairQueue({
            concurrency,
            maxWaiting: 60,
            maxWaitingOfOne: 60,
            refusal: () => new Error(),
          });
          let running = 0;
          let most = 0;
          const work = async (index: number) => {
            running += 1;
            most = Math.max(most, running);
            await Promise.resolve();
            running -= 1;
            return index;
          };
          const results = await Promise.all(clients.map((client, index) => queue.run(client, () => work(index))));
          expect(results).toEqual(clients.map((_, index) => index));
          expect(most).toBe(Math.min(concurrency, clients.length));
        },
      ),
    );
  });
});
