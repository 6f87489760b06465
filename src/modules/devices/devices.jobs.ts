import type { JobDefinition } from '#platform/jobs/jobs.port.ts';
import type { StatusService } from './status/status.service.ts';

declare module '#platform/jobs/jobs.port.ts' {
  interface JobMap {
    check_device_health: Record<string, never>;
  }
}

export function createDevicesJobs(
  statuses: Pick<StatusService, 'markSilentOffline'>,
  listeningSince: () => Promise<number>,
): readonly JobDefinition[] {
  const checkHealth: JobDefinition<'check_device_health'> = {
    name: 'check_device_health',
    queue: 'devices',
    description:
      'Sets devices OFFLINE that were not heard of for their inactivity_seconds, ten minutes unless they say otherwise.',
    schedule: '*/5 * * * *',
    defaultData: {},
    async run(_, { signal }) {
      const transitions = await statuses.markSilentOffline(await listeningSince(), signal);
      return { offline: transitions.length };
    },
  };
  return [checkHealth];
}
