import { expect, test } from 'vitest';
import { commonErrors } from '#kernel/errors.ts';
import { silentLogger } from '#kernel/logger.ts';
import { createTestClock } from '#test/support/clock.ts';
import { counterStoreContract } from './cache.contract.ts';
import type { CounterStore } from './cache.port.ts';
import { createFallbackCounters } from './fallback-counters.ts';
import { createMemoryCounters } from './memory-counters.ts';

const failing = (error: Error): CounterStore => {
  const fail = async () => {
    throw error;
  };
  return { increment: fail, peek: fail, reset: fail };
};

counterStoreContract('fallback, the shared store is there', async () => {
  const clock = createTestClock();
  const counters = createFallbackCounters({
    shared: createMemoryCounters({ clock }),
    local: failing(new Error('not to be used')),
    logger: silentLogger,
  });
  return { counters, advance: async (ms) => clock.advance(ms) };
});

counterStoreContract('fallback, the shared store is away', async () => {
  const clock = createTestClock();
  const counters = createFallbackCounters({
    shared: failing(commonErrors.unavailable()),
    local: createMemoryCounters({ clock }),
    logger: silentLogger,
  });
  return { counters, advance: async (ms) => clock.advance(ms) };
});

test('says once that the store is away, and returns to it', async () => {
  const clock = createTestClock();
  const there = createMemoryCounters({ clock });
  let shared = there;
  let lines = 0;
  const counters = createFallbackCounters({
    shared: {
      increment: (key, windowMs) => shared.increment(key, windowMs),
      peek: (key) => shared.peek(key),
      reset: (key) => shared.reset(key),
    },
    local: createMemoryCounters({ clock }),
    logger: {
      ...silentLogger,
      warn: () => {
        lines += 1;
      },
    },
  });
  await counters.increment('a', 60_000);
  shared = failing(commonErrors.unavailable());
  expect((await counters.increment('a', 60_000)).count).toBe(1);
  expect((await counters.increment('a', 60_000)).count).toBe(2);
  expect(lines).toBe(1);
  shared = there;
  expect((await counters.increment('a', 60_000)).count).toBe(2);
});

test('a bug stays one', async () => {
  const bug = new TypeError('bug');
  const counters = createFallbackCounters({
    shared: failing(bug),
    local: failing(new Error('not to be used')),
    logger: silentLogger,
  });
  await expect(counters.increment('a', 1)).rejects.toBe(bug);
});
