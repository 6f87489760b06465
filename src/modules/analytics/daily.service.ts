import { type Clock, toIso } from '#kernel/clock.ts';
import { isAppError } from '#kernel/errors.ts';
import type { DevicesApi } from '#modules/devices/index.ts';
import type { TimeRange } from './analytics.ports.ts';
import { bucketEdges } from './buckets/edges.ts';
import { DAY_MS } from './buckets/interval.ts';
import { createZoneClock } from './buckets/time-zone.ts';
import type { ReportsService } from './reports.service.ts';

export interface DailyAnalytics {
  /**
   * Makes the report of the day before `at` of every device; those that are stored already are left.
   * @returns how many devices there are, and the day
   */
  run(at: number, signal: AbortSignal): Promise<{ readonly devices: number; readonly day: string }>;
  /** Of one device; `id` makes a repetition harmless. */
  analyse(deviceId: number, range: Partial<TimeRange>, id: string): Promise<string>;
}

const SLICE = 100;

export function createDailyAnalytics(dependencies: {
  readonly reports: Pick<ReportsService, 'make'>;
  readonly devices: Pick<DevicesApi, 'listInScope'>;
  readonly clock: Clock;
  readonly timeZone: string;
}): DailyAnalytics {
  const { reports, devices, clock, timeZone } = dependencies;

  /** The last whole day before `at` on the clock of the zone. */
  function dayBefore(at: number): TimeRange & { readonly day: string } {
    const zone = createZoneClock(timeZone) ?? { offsetAt: () => 0 };
    const [today] = bucketEdges({ start: at, end: at + 1 }, DAY_MS, zone, 5) as [number];
    const [start] = bucketEdges({ start: today - 1, end: today }, DAY_MS, zone, 5) as [number];
    return { start, end: today, day: toIso(start + zone.offsetAt(start)).slice(0, 10) };
  }

  return {
    async run(at, signal) {
      const { day, ...range } = dayBefore(at);
      let count = 0;
      for (let afterId = 0; ; ) {
        const slice = await devices.listInScope({}, afterId, SLICE);
        for (const { deviceId } of slice) {
          signal.throwIfAborted();
          // One that was deleted meanwhile has no report.
          await reports.make('daily', deviceId, range, `daily:${deviceId}:${day}`).catch((error: unknown) => {
            if (!isAppError(error) || error.kind !== 'not_found') throw error;
          });
          count += 1;
        }
        const last = slice.at(-1);
        if (last === undefined || slice.length < SLICE) return { devices: count, day };
        afterId = last.deviceId;
      }
    },
    async analyse(deviceId, { start, end }, id) {
      const to = end ?? clock.now();
      return (await reports.make('device', deviceId, { start: start ?? to - DAY_MS, end: to }, id)).id;
    },
  };
}
