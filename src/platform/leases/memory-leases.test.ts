import { createTestClock } from '#test/support/clock.ts';
import { leasesContract } from './leases.contract.ts';
import { createMemoryLeases } from './memory-leases.ts';

leasesContract('in memory', async () => {
  const clock = createTestClock();
  let leases = createMemoryLeases({ clock });
  return {
    leases: {
      round: (round) => leases.round(round),
      release: (...args) => leases.release(...args),
      leave: (...args) => leases.leave(...args),
    },
    advance: async (ms) => clock.advance(ms),
    async forget() {
      leases = createMemoryLeases({ clock });
    },
  };
});
