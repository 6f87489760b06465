import { Type } from 'typebox';
import type { Clock } from '#kernel/clock.ts';
import { instantOf } from '#kernel/instant.ts';
import type { JobDefinition } from '#platform/jobs/jobs.port.ts';
import type { DailyAnalytics } from './daily.service.ts';

declare module '#platform/jobs/jobs.port.ts' {
  interface JobMap {
    /** `day` such as `2026-11-24`: that one, new or again. Absent: the day before, and what is to be made up for. */
    run_daily_analytics: { readonly day?: string };
    /** Instants in ISO 8601; default: the 24 hours until it runs. */
    analyze_device: { readonly device_id: number; readonly start?: string; readonly end?: string };
  }
}

const AnalyzeDevice = Type.Object(
  {
    device_id: Type.Integer({ minimum: 1, description: 'Id of the device' }),
    start: Type.Optional(Type.String({ format: 'date-time', description: 'Default: 24 hours before the end' })),
    end: Type.Optional(Type.String({ format: 'date-time', description: 'Default: when it runs' })),
  },
  { additionalProperties: false },
);

const RunDaily = Type.Object(
  {
    day: Type.Optional(
      Type.String({
        format: 'date',
        description: 'That day again, in TZ_NAME. Default: the day before, and what earlier ones lack',
      }),
    ),
  },
  { additionalProperties: false },
);

export function createAnalyticsJobs(daily: DailyAnalytics, clock: Clock): readonly JobDefinition[] {
  const runDaily: JobDefinition<'run_daily_analytics'> = {
    name: 'run_daily_analytics',
    queue: 'analytics',
    description: 'Makes and stores a report of the day before for every device, and what earlier days lack.',
    schedule: '0 1 * * *',
    defaultData: {},
    dataSchema: RunDaily,
    run: ({ day }, { scheduledFor, signal }) =>
      day === undefined ? daily.run(scheduledFor ?? clock.now(), signal) : daily.runDay(day, clock.now(), signal),
  };
  const analyzeDevice: JobDefinition<'analyze_device'> = {
    name: 'analyze_device',
    queue: 'analytics',
    description: 'Makes and stores a report of one device.',
    dataSchema: AnalyzeDevice,
    async run({ device_id, start, end }, { jobId }) {
      const range = {
        ...(start === undefined ? {} : { start: instantOf(start) }),
        ...(end === undefined ? {} : { end: instantOf(end) }),
      };
      return { result_id: await daily.analyse(device_id, range, `device:${jobId}`) };
    },
  };
  return [runDaily, analyzeDevice];
}
