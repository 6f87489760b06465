import { toIso, toIsoOrNull } from '#kernel/clock.ts';
import type { OutlierReport } from '#platform/columnar/columnar.port.ts';
import type { AggregateValue } from './buckets/functions.ts';
import { HOUR_MS } from './buckets/interval.ts';
import type { Trend } from './statistics/trend.ts';
import type { StatusAnalysis } from './status.service.ts';

/** The body of a report, as it is stored and shown. */
export interface DeviceReport {
  readonly status: ReturnType<typeof presentStatus>;
  readonly metrics: Record<string, MetricReport>;
  /** Metrics beyond the first twenty by name. */
  readonly metrics_left_out: number;
}

export interface MetricReport {
  readonly summary: Readonly<Record<string, AggregateValue>>;
  /** Null for a metric without numbers. */
  readonly trend: ReturnType<typeof presentTrend> | null;
  /** Null also when there are too many samples. */
  readonly anomalies: ReturnType<typeof presentAnomalies> | null;
}

export function presentTrend(trend: Trend) {
  return {
    sample_count: trend.sampleCount,
    slope_per_hour: trend.slopePerHour,
    intercept: trend.intercept,
    r2: trend.r2,
    residual_stddev: trend.residualDeviation,
    direction: trend.direction,
    forecast: trend.forecast.map((point) => ({ ...point, timestamp: toIso(point.timestamp) })),
  };
}

export function presentAnomalies({ samples, mean, deviation, total, outliers }: OutlierReport) {
  return {
    sample_count: samples,
    mean,
    stddev: deviation,
    total,
    items: outliers.map((outlier) => ({
      timestamp: toIso(outlier.timestamp),
      value: outlier.value,
      moving_average: outlier.movingAverage,
      moving_z_score: outlier.movingScore,
      z_score: outlier.score,
      methods: [
        ...(outlier.byMovingAverage ? (['moving_average'] as const) : []),
        ...(outlier.byScore ? (['z_score'] as const) : []),
      ],
    })),
  };
}

export function presentStatus(status: StatusAnalysis) {
  const seconds = (ms: number) => ms / 1000;
  const between = status.meanTimeBetweenFailures;
  const { ONLINE, OFFLINE, MAINTENANCE, ERROR } = status.timeIn;
  return {
    uptime_ratio: status.ratio,
    seconds_in_status: {
      ONLINE: seconds(ONLINE),
      OFFLINE: seconds(OFFLINE),
      MAINTENANCE: seconds(MAINTENANCE),
      ERROR: seconds(ERROR),
    },
    seconds_unknown: seconds(status.unknown),
    transitions: status.transitions,
    failures: status.failures,
    mtbf_hours: between === null ? null : between / HOUR_MS,
    current_status: status.currentStatus,
    current_since: toIsoOrNull(status.currentSince),
  };
}
