import { expect, test } from 'vitest';
import { createTestClock } from '#test/support/clock.ts';
import { counterStoreContract } from './cache.contract.ts';
import { createMemoryCounters } from './memory-counters.ts';

counterStoreContract('memory', async () => {
  const clock = createTestClock();
  return {
    counters: createMemoryCounters({ clock }),
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
