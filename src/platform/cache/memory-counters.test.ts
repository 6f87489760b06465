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
