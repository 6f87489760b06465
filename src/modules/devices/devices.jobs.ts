import type { Clock } from '#kernel/clock.ts';
import type { JobDefinition } from '#platform/jobs/jobs.port.ts';
import type { StatusService } from './status/status.service.ts';

declare module '#platform/jobs/jobs.port.ts' {
  interface JobMap {
    check_device_health: Record<string, never>;
  }
}

const SILENCE_MS = 10 * 60_000;

export function createDevicesJobs(
  statuses: Pick<StatusService, 'markSilentOffline'>,
  clock: Clock,
): readonly JobDefinition[] {
  const checkHealth: JobDefinition<'check_device_health'> = {
    name: 'check_device_health',
    queue: 'devices',
    description: 'Sets devices OFFLINE that were not heard of for ten minutes.',
    schedule: '*/5 * * * *',
    defaultData: {},
    async run(_, { signal }) {
      const transitions = await statuses.markSilentOffline(clock.now() - SILENCE_MS, signal);
      return { offline: transitions.length };
    },
  };
  return [checkHealth];
}
