import type { Clock } from '#kernel/clock.ts';
import type { SystemFacts, SystemInfo } from './info.ports.ts';

export interface InfoServiceDeps {
  readonly facts: SystemFacts;
  readonly clock: Clock;
}

export type InfoService = ReturnType<typeof createInfoService>;

export function createInfoService({ facts, clock }: InfoServiceDeps) {
  const startedAt = clock.now();
  const runningSince = clock.monotonic();
  return {
    /** @throws AppError `unavailable` while a store that is counted in is away */
    async describe(): Promise<SystemInfo> {
      const { counts, memoryBytes, ...rest } = facts;
      const counted = await Promise.all(counts.map((count) => count()));
      return {
        ...rest,
        startedAt,
        uptimeMs: clock.monotonic() - runningSince,
        memoryBytes: memoryBytes(),
        counts: Object.assign({}, ...counted),
      };
    },
  };
}
