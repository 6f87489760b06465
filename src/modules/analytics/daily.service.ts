import { type Clock, toIso } from '#kernel/clock.ts';
import { commonErrors, isAppError } from '#kernel/errors.ts';
import { instantOf } from '#kernel/instant.ts';
import type { DevicesApi } from '#modules/devices/index.ts';
import type { AnalysisResult, TimeRange } from './analytics.ports.ts';
import { bucketEdges } from './buckets/edges.ts';
import { DAY_MS } from './buckets/interval.ts';
import { createZoneClock } from './buckets/time-zone.ts';
import type { ReportsService } from './reports.service.ts';

export interface DailyAnalytics {
  /**
   * Makes the report of the day before `at` of every device, and makes up for the 30 days before that: reports that
   * are missing although there is data, and those that late data has changed. What is too much for one run is left
   * to the next.
   * @returns how many devices there are, the day, and how many reports of earlier days were made
   */
  run(at: number, signal: AbortSignal): Promise<DailyRun>;
  /** Makes those of one day, new or again. @param day `2026-11-24` @throws AppError `invalid_input` when it is not over */
  runDay(day: string, at: number, signal: AbortSignal): Promise<DailyRun>;
  /** Of one device; `id` makes a repetition harmless. */
  analyse(deviceId: number, range: Partial<TimeRange>, id: string): Promise<string>;
}

export interface DailyRun {
  readonly devices: number;
  readonly day: string;
  readonly made_up: number;
}

interface Day extends TimeRange {
  readonly day: string;
}

const SLICE = 100;
const DAYS_LOOKED_AT = 31;
/** A report takes tens of milliseconds. */
const MOST_MADE_UP = 5_000;

export function createDailyAnalytics(dependencies: {
  readonly reports: Pick<ReportsService, 'make' | 'renew' | 'daily' | 'counts'>;
  readonly devices: Pick<DevicesApi, 'listInScope'>;
  readonly clock: Clock;
  readonly timeZone: string;
}): DailyAnalytics {
  const { reports, devices, clock, timeZone } = dependencies;

  const zone = createZoneClock(timeZone) ?? { offsetAt: () => 0 };

  /** The day on the clock of the zone in which `at` is. */
  function dayOf(at: number): Day {
    const [start, end] = bucketEdges({ start: at, end: at + 1 }, DAY_MS, zone, 5) as [number, number];
    return { start, end, day: toIso(start + zone.offsetAt(start)).slice(0, 10) };
  }

  /** The last whole days before `at`, the earliest first. */
  function daysBefore(at: number): readonly [Day, ...Day[]] {
    const days: [Day, ...Day[]] = [dayOf(dayOf(at).start - 1)];
    while (days.length < DAYS_LOOKED_AT) days.unshift(dayOf(days[0].start - 1));
    return days;
  }

  /** `work` for every device; one that was deleted meanwhile has no report. @returns how many there are */
  async function eachDevice(signal: AbortSignal, work: (deviceId: number) => Promise<void>): Promise<number> {
    let count = 0;
    for (let afterId = 0; ; ) {
      const slice = await devices.listInScope({}, afterId, SLICE);
      for (const { deviceId } of slice) {
        signal.throwIfAborted();
        await work(deviceId).catch((error: unknown) => {
          if (!isAppError(error) || error.kind !== 'not_found') throw error;
        });
        count += 1;
      }
      const last = slice.at(-1);
      if (last === undefined || slice.length < SLICE) return count;
      afterId = last.deviceId;
    }
  }

  return {
    async run(at, signal) {
      const days = daysBefore(at);
      const edges = [...days.map(({ start }) => start), (days.at(-1) as Day).end];
      const yesterday = days.at(-1) as Day;
      let madeUp = 0;
      const count = await eachDevice(signal, async (deviceId) => {
        const counts = await reports.counts(deviceId, edges);
        const stored = await reports.daily(deviceId, days[0].start, 2 * DAYS_LOOKED_AT);
        const known = new Map(stored.map((result) => [result.start, result]));
        for (const [index, { day, ...range }] of days.entries()) {
          signal.throwIfAborted();
          const result = known.get(range.start);
          const isNew = result === undefined && (day === yesterday.day || counts[index] !== 0);
          const isChanged = result !== undefined && valuesIn(result) !== counts[index];
          if (!(isNew || isChanged)) continue;
          if (day !== yesterday.day && ++madeUp > MOST_MADE_UP) continue;
          if (result === undefined) await reports.make('daily', deviceId, range, `daily:${deviceId}:${day}`);
          else await reports.renew(result);
        }
      });
      return { devices: count, day: yesterday.day, made_up: Math.min(madeUp, MOST_MADE_UP) };
    },
    async runDay(asked, at, signal) {
      const noon = instantOf(`${asked}T12:00:00Z`);
      const { day, ...range } = dayOf(noon - zone.offsetAt(noon));
      if (day !== asked || range.end > at) {
        const fields = [{ path: '/day', message: 'must be over' }];
        throw commonErrors.invalid_input({
          detail: 'The day must be one that is over, such as 2026-11-24.',
          details: { fields },
        });
      }
      const count = await eachDevice(signal, async (deviceId) => {
        const [known] = (await reports.daily(deviceId, range.start, 2 * DAYS_LOOKED_AT)).filter(
          ({ start }) => start === range.start,
        );
        if (known === undefined) await reports.make('daily', deviceId, range, `daily:${deviceId}:${day}`);
        else await reports.renew(known);
      });
      return { devices: count, day, made_up: 0 };
    },
    async analyse(deviceId, { start, end }, id) {
      const to = end ?? clock.now();
      return (await reports.make('device', deviceId, { start: start ?? to - DAY_MS, end: to }, id)).id;
    },
  };
}

/** How many values the report counts: late ones make it more. */
function valuesIn({ result }: AnalysisResult): number {
  const { metrics } = result as {
    readonly metrics: Readonly<Record<string, { readonly summary: { readonly count: number } }>>;
  };
  return Object.values(metrics).reduce((sum, { summary }) => sum + summary.count, 0);
}
