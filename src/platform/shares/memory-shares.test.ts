import { createTestClock } from '#test/support/clock.ts';
import { createMemoryShares } from './memory-shares.ts';
import { sharesContract } from './shares.contract.ts';

sharesContract('in memory', async () => {
  const clock = createTestClock();
  let shares = createMemoryShares({ clock });
  return {
    shares: {
      round: (round) => shares.round(round),
      release: (...args) => shares.release(...args),
      leave: (...args) => shares.leave(...args),
    },
    advance: async (ms) => clock.advance(ms),
    async forget() {
      shares = createMemoryShares({ clock });
    },
  };
});
