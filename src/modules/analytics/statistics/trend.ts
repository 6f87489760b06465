import type { BucketStatistics } from '#platform/telemetry/aggregation.port.ts';
import { HOUR_MS } from '../buckets/interval.ts';
import { student95 } from './student.ts';

export const DIRECTIONS = ['increasing', 'decreasing', 'stable'] as const;
export type Direction = (typeof DIRECTIONS)[number];

export type Moments = Pick<BucketStatistics, 'n' | 'mean' | 'm2' | 'timeMean' | 'timeM2' | 'comoment'>;

export interface ForecastPoint {
  readonly timestamp: number;
  readonly value: number;
  /** The band that 95 % of new values lie in; null below three samples. */
  readonly lower: number | null;
  readonly upper: number | null;
}

export interface Trend {
  readonly sampleCount: number;
  /** Null below two samples at different times, as are the next two. */
  readonly slopePerHour: number | null;
  /** The line's value at the start of the range. */
  readonly intercept: number | null;
  /** Null also when all values are the same. */
  readonly r2: number | null;
  /** Of the values about the line, with n − 2; null below three samples. */
  readonly residualDeviation: number | null;
  readonly direction: Direction;
  readonly forecast: readonly ForecastPoint[];
}

/** The part of the variance below which a line says nothing, however sure it is. */
const LEAST_R2 = 0.1;
/** What rounding leaves of a sum of squares that is none, relative to the values' own. */
const ROUNDING = 1e-13;

/**
 * The least-squares line through the values over time, from their moments alone: N. R. Draper, H. Smith, "Applied
 * Regression Analysis", 3rd ed., 1998, sections 1.2 to 1.4. `at`: instants of the forecast.
 */
export function trendOf(moments: Moments | null, start: number, at: readonly number[]): Trend {
  const n = moments?.n ?? 0;
  if (moments === null || n < 2 || moments.timeM2 === 0) {
    const none = { slopePerHour: null, intercept: null, r2: null, residualDeviation: null };
    return { sampleCount: n, ...none, direction: 'stable', forecast: [] };
  }
  const { mean, m2, timeMean, timeM2, comoment } = moments;
  const slope = comoment / timeM2;
  const valueAt = (time: number) => mean + slope * (time - timeMean);
  const flat = m2 <= ROUNDING * n * mean * mean;
  const r2 = flat ? null : Math.min(1, (comoment * comoment) / (timeM2 * m2));
  const deviation = n < 3 ? null : Math.sqrt(Math.max(0, m2 - slope * comoment) / (n - 2));
  const t = n < 3 ? null : student95(n - 2);
  const significant =
    deviation !== null &&
    t !== null &&
    r2 !== null &&
    r2 >= LEAST_R2 &&
    Math.abs(slope) > (t * deviation) / Math.sqrt(timeM2);
  return {
    sampleCount: n,
    slopePerHour: slope * HOUR_MS,
    intercept: valueAt(start),
    r2,
    residualDeviation: deviation,
    direction: !significant ? 'stable' : slope > 0 ? 'increasing' : 'decreasing',
    forecast: at.map((timestamp) => {
      const value = valueAt(timestamp);
      if (deviation === null || t === null) return { timestamp, value, lower: null, upper: null };
      const half = t * deviation * Math.sqrt(1 + 1 / n + (timestamp - timeMean) ** 2 / timeM2);
      return { timestamp, value, lower: value - half, upper: value + half };
    }),
  };
}
