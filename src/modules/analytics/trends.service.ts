import type { Clock } from '#kernel/clock.ts';
import type { TelemetryAggregation } from '#platform/telemetry/aggregation.port.ts';
import type { TimeRange } from './analytics.ports.ts';
import { HOUR_MS } from './buckets/interval.ts';
import { type AskedRange, rangeOf } from './ranges.ts';
import { type Trend, trendOf } from './statistics/trend.ts';

export interface TrendQuery extends AskedRange {
  readonly metric: string;
  /** How far beyond the end of the range. */
  readonly forecastHours: number;
  readonly source: 'auto' | 'raw';
}

export interface TrendsService {
  /** @throws AppError `invalid_analysis_range` */
  trend(deviceId: number, query: TrendQuery): Promise<Trend & TimeRange>;
}

/** Instants of a forecast. */
const FORECAST_POINTS = 12;

export function createTrendsService({
  telemetry,
  clock,
}: {
  readonly telemetry: Pick<TelemetryAggregation, 'aggregate'>;
  readonly clock: Clock;
}): TrendsService {
  return {
    async trend(deviceId, query) {
      const { start, end } = rangeOf(query, clock);
      const { rows } = await telemetry.aggregate({
        ...{ deviceId, metrics: [query.metric], edges: [start, end], percentiles: [] },
        moments: true,
        source: query.source,
      });
      const step = (query.forecastHours * HOUR_MS) / FORECAST_POINTS;
      const at =
        step === 0 ? [] : Array.from({ length: FORECAST_POINTS }, (_, index) => end + Math.round((index + 1) * step));
      return { start, end, ...trendOf(rows[0] ?? null, start, at) };
    },
  };
}
