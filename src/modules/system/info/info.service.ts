import type { Clock } from '#kernel/clock.ts';

/** What `main` tells about the process; nothing here knows where it comes from. */
export interface SystemFacts {
  readonly version: string;
  readonly runtime: { readonly node: string; readonly platform: string; readonly arch: string };
  readonly roles: readonly string[];
  readonly instanceId: string;
  /** Part of the system → what it runs on. */
  readonly adapters: Readonly<Record<string, string>>;
  /** Resident memory. */
  memoryBytes(): number;
  /** Each module's records: name → how many there are now. */
  readonly counts: readonly (() => Promise<Readonly<Record<string, number>>>)[];
}

export interface SystemInfo extends Omit<SystemFacts, 'counts' | 'memoryBytes'> {
  /** Epoch milliseconds. */
  readonly startedAt: number;
  readonly uptimeMs: number;
  readonly memoryBytes: number;
  readonly counts: Readonly<Record<string, number>>;
}

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
