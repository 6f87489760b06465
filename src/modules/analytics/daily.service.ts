import { CLOCKS_DIFFER_MS, type Clock, toIso } from '#kernel/clock.ts';
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
   * Makes the report of the day before `at` of every device, and makes up for earlier days whose samples are all kept:
   * reports that are missing although there is data, and those that late data has added to. Each run looks at the last
   * 31 days and at 31 earlier ones, which take turns. What is too much for one run is left to the next.
   * @returns how many devices there are, the day, and how many reports of earlier days were made
   */
  run(at: number, signal: AbortSignal): Promise<DailyRun>;
  /**
   * Makes those of one day, new or again.
   * @param day `2026-11-24`
   * @throws AppError `invalid_input` when it is not over, or retention has begun to remove it
   */
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
type Days = readonly [Day, ...Day[]];

const SLICE = 100;
const DAYS_LOOKED_AT = 31;
/** A report takes tens of milliseconds. */
const MOST_MADE_UP = 5_000;

export function createDailyAnalytics(dependencies: {
  readonly reports: Pick<ReportsService, 'make' | 'renew' | 'daily' | 'counts'>;
  readonly devices: Pick<DevicesApi, 'listInScope'>;
  readonly clock: Clock;
  readonly timeZone: string;
  /** How long samples are kept. */
  readonly samplesKeptMs: number;
  /** How long reports are kept. */
  readonly reportsKeptMs: number;
}): DailyAnalytics {
  const { reports, devices, clock, timeZone, samplesKeptMs, reportsKeptMs } = dependencies;
  const keptDays = Math.min(samplesKeptMs, reportsKeptMs) / DAY_MS;

  const zone = createZoneClock(timeZone) ?? { offsetAt: () => 0 };

  /** The day on the clock of the zone in which `at` is. */
  function dayOf(at: number): Day {
    const [start, end] = bucketEdges({ start: at, end: at + 1 }, DAY_MS, zone, 5) as [number, number];
    return { start, end, day: toIso(start + zone.offsetAt(start)).slice(0, 10) };
  }

  /** Whole days before `at`, the earliest first, without the last `skipped` ones. */
  function daysBefore(at: number, skipped = 0): Days {
    // Noon: days have 23 to 25 hours.
    const days: [Day, ...Day[]] = [dayOf(dayOf(at).start - DAY_MS / 2 - skipped * DAY_MS)];
    while (days.length < DAYS_LOOKED_AT) days.unshift(dayOf(days[0].start - 1));
    return days;
  }

  /**
   * Which earlier days the run looks at. It goes back by as many from one day to the next, and begins again where
   * nothing is kept any more: nothing has to remember how far it came.
   */
  function earlierDays(at: number): readonly Days[] {
    const turns = Math.ceil(keptDays / DAYS_LOOKED_AT) - 1;
    if (turns < 1) return [];
    const turn = (instantOf(`${dayOf(at).day}T00:00:00Z`) / DAY_MS) % turns;
    return [daysBefore(at, (turn + 1) * DAYS_LOOKED_AT)];
  }

  /** Whether retention has taken nothing of the day yet, and does not begin to while its report is made. */
  function isWhole({ start }: TimeRange): boolean {
    return start > clock.now() - keptDays * DAY_MS + CLOCKS_DIFFER_MS;
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
      const recent = daysBefore(at);
      const yesterday = recent.at(-1) as Day;
      let madeUp = 0;

      async function makeUp(deviceId: number, days: Days): Promise<void> {
        const edges = [...days.map(({ start }) => start), (days.at(-1) as Day).end] as const;
        const counts = await reports.counts(deviceId, edges);
        const stored = await reports.daily(deviceId, { start: edges[0], end: edges.at(-1) as number });
        const known = new Map(stored.map((result) => [result.start, result]));
        for (const [index, { day, ...range }] of days.entries()) {
          signal.throwIfAborted();
          const result = known.get(range.start);
          const count = counts[index] ?? 0;
          const isNew = result === undefined && (day === yesterday.day || (count > 0 && isWhole(range)));
          // Less is what retention has left: the report says more than could be said now.
          const isAddedTo = result !== undefined && count > valuesIn(result) && isWhole(range);
          if (!(isNew || isAddedTo)) continue;
          if (day !== yesterday.day && ++madeUp > MOST_MADE_UP) continue;
          if (result === undefined) await reports.make('daily', deviceId, range, `daily:${deviceId}:${day}`);
          else await reports.renew(result);
        }
      }

      const stretches = [recent, ...earlierDays(at)];
      const count = await eachDevice(signal, async (deviceId) => {
        for (const days of stretches) await makeUp(deviceId, days);
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
      if (!isWhole(range)) {
        const fields = [{ path: '/day', message: 'must be one whose samples are all kept' }];
        const detail = 'Samples or reports of that age are no longer kept: a report of that day would lack some.';
        throw commonErrors.invalid_input({ detail, details: { fields } });
      }
      const count = await eachDevice(signal, async (deviceId) => {
        const [known] = (await reports.daily(deviceId, range)).filter(({ start }) => start === range.start);
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

/** How many values the report counts. */
function valuesIn({ result }: AnalysisResult): number {
  const { metrics } = result as {
    readonly metrics: Readonly<Record<string, { readonly summary: { readonly count: number } }>>;
  };
  return Object.values(metrics).reduce((sum, { summary }) => sum + summary.count, 0);
}
