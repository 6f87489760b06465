import type { Clock } from '#kernel/clock.ts';
import { coalesce } from '#kernel/concurrency.ts';
import type { SystemFacts, SystemInfo } from './info.ports.ts';

export interface InfoServiceDeps {
  readonly facts: SystemFacts;
  readonly clock: Clock;
}

export type InfoService = ReturnType<typeof createInfoService>;

export function createInfoService({ facts, clock }: InfoServiceDeps) {
  const startedAt = clock.now();
  const runningSince = clock.monotonic();
  // One walk through the files at a time.
  const measured = coalesce(() => facts.storage());
  return {
    brokerAddresses: facts.brokerAddresses,

    /** @throws AppError `unavailable` while a store that is counted in is away */
    async describe(): Promise<SystemInfo> {
      const { counts, memoryBytes, storage: _, brokerAddresses: __, ...rest } = facts;
      const [storage, ...counted] = await Promise.all([measured.run(), ...counts.map((count) => count())]);
      return {
        ...rest,
        startedAt,
        uptimeMs: clock.monotonic() - runningSince,
        memoryBytes: memoryBytes(),
        storage,
        counts: Object.assign({}, ...counted),
      };
    },
  };
}
