import type { Clock } from '#kernel/clock.ts';
import type { JobDefinition } from '#platform/jobs/jobs.port.ts';
import type { DailyAnalytics } from './daily.service.ts';
import { invalidQuery } from './ranges.ts';

declare module '#platform/jobs/jobs.port.ts' {
  interface JobMap {
    run_daily_analytics: Record<string, never>;
    /** Instants in epoch milliseconds; default: the 24 hours until it runs. */
    analyze_device: { readonly device_id: number; readonly start?: number; readonly end?: number };
  }
}

export function createAnalyticsJobs(daily: DailyAnalytics, clock: Clock): readonly JobDefinition[] {
  const runDaily: JobDefinition<'run_daily_analytics'> = {
    name: 'run_daily_analytics',
    queue: 'analytics',
    description: 'Makes and stores a report of the day before, for every device.',
    schedule: '0 1 * * *',
    defaultData: {},
    run: (_, { scheduledFor, signal }) => daily.run(scheduledFor ?? clock.now(), signal),
  };
  const analyzeDevice: JobDefinition<'analyze_device'> = {
    name: 'analyze_device',
    queue: 'analytics',
    description: 'Makes and stores a report of one device.',
    async run({ device_id, start, end }, { jobId }) {
      // Whoever runs it by hand may give it anything.
      for (const [name, value] of Object.entries({ device_id, start: start ?? 0, end: end ?? 0 })) {
        if (!Number.isSafeInteger(value)) throw invalidQuery(name, 'must be a whole number');
      }
      const range = { ...(start === undefined ? {} : { start }), ...(end === undefined ? {} : { end }) };
      return { result_id: await daily.analyse(device_id, range, `device:${jobId}`) };
    },
  };
  return [runDaily, analyzeDevice];
}
