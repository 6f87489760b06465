import type { BucketStatistics } from '#platform/telemetry/aggregation.port.ts';
import { HOUR_MS } from '../buckets/interval.ts';

/** Upper 2.5 % points of Student's t by degrees of freedom, 1 to 30: NIST/SEMATECH e-Handbook, section 1.3.6.7.2. */
const TABLE = [
  12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.306, 2.2622, 2.2281, 2.201, 2.1788, 2.1604, 2.1448, 2.1314,
  2.1199, 2.1098, 2.1009, 2.093, 2.086, 2.0796, 2.0739, 2.0687, 2.0639, 2.0595, 2.0555, 2.0518, 2.0484, 2.0452, 2.0423,
];
const NORMAL = 1.959963984540054;

/**
 * The t that 95 % lie within, for any number of degrees of freedom from 1 on. Beyond the table by the expansion of
 * Abramowitz and Stegun, 26.7.5, which is right to seven digits there.
 */
export function student95(degreesOfFreedom: number): number {
  const tabled = TABLE[degreesOfFreedom - 1];
  if (tabled !== undefined) return tabled;
  const z = NORMAL;
  const v = degreesOfFreedom;
  return (
    z +
    (z ** 3 + z) / (4 * v) +
    (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * v ** 2) +
    (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / (384 * v ** 3)
  );
}

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
