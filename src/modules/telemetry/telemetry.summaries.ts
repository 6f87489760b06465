import type { TelemetryStore } from '#platform/telemetry/telemetry.port.ts';
import { type MetricSummary, MOST_SUMMARIES, type SummaryRange, type TelemetryApi } from './telemetry.api.ts';

/** Devices that the store is asked for at a time: others read too. */
const TOGETHER = 8;

/** @returns `summaries` of the module's API */
export function createSummaries(telemetry: Pick<TelemetryStore, 'aggregate'>): TelemetryApi['summaries'] {
  async function one(metric: string, { deviceId, start }: SummaryRange, end: number): Promise<MetricSummary | null> {
    const query = { deviceId, metrics: [metric], edges: [start, end], percentiles: [], moments: false } as const;
    const { rows } = await telemetry.aggregate({ ...query, source: 'auto' });
    const [row] = rows;
    if (row === undefined || row.n === 0) return null;
    const { n: count, sum, min, max, last } = row;
    return { deviceId, count, sum, min, max, last: typeof last === 'string' ? null : Number(last) };
  }

  return async (metric, ranges, end) => {
    if (ranges.length > MOST_SUMMARIES) throw new Error(`at most ${MOST_SUMMARIES} devices`);
    const asked = ranges.filter(({ start }) => start < end);
    const found: MetricSummary[] = [];
    for (let first = 0; first < asked.length; first += TOGETHER) {
      const part = asked.slice(first, first + TOGETHER).map((range) => one(metric, range, end));
      found.push(...(await Promise.all(part)).filter((each) => each !== null));
    }
    return found;
  };
}
