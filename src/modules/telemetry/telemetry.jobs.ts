import { setImmediate } from 'node:timers/promises';
import type { Clock } from '#kernel/clock.ts';
import type { JobDefinition } from '#platform/jobs/jobs.port.ts';
import type { TelemetryStore } from '#platform/telemetry/telemetry.port.ts';

declare module '#platform/jobs/jobs.port.ts' {
  interface JobMap {
    apply_retention: Record<string, never>;
  }
}

/** So many samples at once: commits of what devices send come in between. */
const STEP = 2_000;

/** Logs of devices are no part of it: their collection expires by itself. */
export function createTelemetryJobs(
  telemetry: Pick<TelemetryStore, 'deleteOlderThan'>,
  retentionMs: number,
  clock: Clock,
): readonly JobDefinition[] {
  const applyRetention: JobDefinition<'apply_retention'> = {
    name: 'apply_retention',
    queue: 'default',
    description: 'Removes telemetry older than TELEMETRY_RETENTION_DAYS.',
    schedule: '0 * * * *',
    defaultData: {},
    async run(_, { signal, progress }) {
      const before = clock.now() - retentionMs;
      for (let removed = 0; ; ) {
        signal.throwIfAborted();
        const step = await telemetry.deleteOlderThan(before, STEP);
        removed += step;
        if (step < STEP) return { removed };
        progress({ removed });
        await setImmediate();
      }
    },
  };
  return [applyRetention];
}
