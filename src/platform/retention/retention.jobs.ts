import type { Clock } from '#kernel/clock.ts';
import { giveWay } from '#kernel/concurrency.ts';
import type { JobContext, JobDefinition } from '#platform/jobs/jobs.port.ts';
import type { Retention } from './retention.port.ts';

declare module '#platform/jobs/jobs.port.ts' {
  interface JobMap {
    apply_retention: Record<string, never>;
  }
}

const STEP = 2_000;

/** Removes what modules do not keep for ever. */
export function createRetentionJobs(retentions: readonly Retention[], clock: Clock): readonly JobDefinition[] {
  async function run({ signal, progress }: JobContext): Promise<object> {
    const removed: Record<string, number> = {};
    const failures: unknown[] = [];
    for (const retention of retentions) {
      try {
        await apply(retention, (count) => {
          removed[retention.name] = (removed[retention.name] ?? 0) + count;
          progress({ removed });
          signal.throwIfAborted();
        });
      } catch (error) {
        signal.throwIfAborted();
        // What cannot be removed now holds up nothing else.
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
    return { removed };
  }

  async function apply({ keptMs, removeOlderThan }: Retention, onStep: (count: number) => void): Promise<void> {
    const before = clock.now() - keptMs;
    for (;;) {
      const count = await removeOlderThan(before, STEP);
      onStep(count);
      if (count < STEP) return;
      await giveWay();
    }
  }

  const definition: JobDefinition<'apply_retention'> = {
    name: 'apply_retention',
    queue: 'default',
    description: 'Removes telemetry older than TELEMETRY_RETENTION_DAYS and records older than RECORD_RETENTION_DAYS.',
    schedule: '0 * * * *',
    defaultData: {},
    run: (_, context) => run(context),
  };
  return [definition];
}
