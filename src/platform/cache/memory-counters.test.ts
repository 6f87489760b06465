import { expect, test } from 'vitest';
import { createTestClock } from '#test/support/clock.ts';
import { counterStoreContract } from './cache.contract.ts';
import { createMemoryCounters } from './memory-counters.ts';

counterStoreContract('memory', async () => {
  const clock = createTestClock();
  return {
    // Fewer than the suite's flood has.
    counters: createMemoryCounters({ clock, maxKeys: 500 }),
    advance: async (ms) => clock.advance(ms),
  };
});

test('a clock that was a day ahead when a window began makes it no longer', async () => {
  const clock = createTestClock();
  const counters = createMemoryCounters({ clock });
  clock.set(clock.now() + 86_400_000);
  await counters.increment('a', 900_000);
  clock.set(clock.now() - 86_400_000);
  expect(await counters.increment('a', 900_000)).toEqual({ count: 2, resetInMs: 900_000 });
  clock.advance(900_000);
  expect(await counters.peek('a')).toEqual({ count: 0, resetInMs: 0 });
});

test('keys beyond the bound are counted too, and each for itself again when the flood is over', async () => {
  const clock = createTestClock();
  const counters = createMemoryCounters({ clock, maxKeys: 10 });
  for (let index = 0; index < 10; index += 1) await counters.increment(`flood-${index}`, 60_000);
  for (let count = 1; count <= 5; count += 1) expect((await counters.increment('late', 60_000)).count).toBe(count);
  expect(await counters.peek('late')).toEqual({ count: 5, resetInMs: 60_000 });
  clock.advance(60_000);
  expect((await counters.peek('late')).count).toBe(0);
  // Room is made by those that come, a few at a time.
  for (let index = 0; index < 10; index += 1) {
    expect((await counters.increment(`next-${index}`, 60_000)).count).toBe(1);
  }
});

test('memory stays bounded whatever keys are made up', async () => {
  const clock = createTestClock();
  const counters = createMemoryCounters({ clock, maxKeys: 1_000 });
  const before = process.memoryUsage().heapUsed;
  for (let index = 0; index < 300_000; index += 1) await counters.increment(`login:${index}@example.com`, 60_000);
  const grown = process.memoryUsage().heapUsed - before;
  // 65,536 shared windows and 1,000 of their own; each for itself they would take more than 50 MB.
  expect(grown).toBeLessThan(40 * 2 ** 20);
  expect((await counters.increment('login:0@example.com', 60_000)).count).toBe(2);
}, 60_000);
