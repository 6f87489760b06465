import { type Column, valueAt } from '../sealing/column.codec.ts';
import type { MetricValue } from '../telemetry.port.ts';
import { addToSketch, createSketch, mergeSketch, type Sketch } from './sketch.ts';

/**
 * Statistics of the values of one metric in one bucket that can be merged: two buckets together give what their
 * values together would, up to rounding. Times are epoch milliseconds. What is numeric is a number, or a boolean as 1
 * or 0; a string is in `count`, `first` and `last` only.
 *
 * Moments by the updating formulas of B. P. Welford, "Note on a Method for Calculating Corrected Sums of Squares and
 * Products", Technometrics 4(3), 1962, merged by those of T. F. Chan, G. H. Golub, R. J. LeVeque, "Updating Formulae
 * and a Pairwise Algorithm for Computing Sample Variances", 1979, and P. Pébay (SAND2008-6212) for the co-moment.
 */
export interface Statistics {
  /** Values of any type. */
  count: number;
  /** Numeric ones. All below are of these; 0 or infinite when there is none. */
  n: number;
  sum: number;
  min: number;
  max: number;
  mean: number;
  /** Σ(x − mean)² */
  m2: number;
  timeMean: number;
  /** Σ(t − timeMean)² */
  timeM2: number;
  /** Σ(t − timeMean)(x − mean) */
  comoment: number;
  /** By time, of any type; null when there is none. */
  first: MetricValue | null;
  firstAt: number;
  last: MetricValue | null;
  lastAt: number;
  readonly sketch: Sketch;
}

export const createStatistics = (): Statistics => ({
  count: 0,
  n: 0,
  sum: 0,
  min: Number.POSITIVE_INFINITY,
  max: Number.NEGATIVE_INFINITY,
  mean: 0,
  m2: 0,
  timeMean: 0,
  timeM2: 0,
  comoment: 0,
  first: null,
  firstAt: Number.POSITIVE_INFINITY,
  last: null,
  lastAt: Number.NEGATIVE_INFINITY,
  sketch: createSketch(),
});

/** A value as a number; null for a string. */
export function numberOf(value: MetricValue): number | null {
  if (typeof value === 'number') return value;
  return typeof value === 'boolean' ? Number(value) : null;
}

/** Values of one metric with their times, ascending, of which those from `from` to before `to` count. */
export interface Values {
  readonly times: ArrayLike<number>;
  readonly values: Column;
  readonly from: number;
  readonly to: number;
}

/** Adds values. `sketched`: into the quantile sketch too, which is half of the work. */
export function addValues(statistics: Statistics, { times, values, from, to }: Values, sketched: boolean): void {
  if (from >= to) return;
  statistics.count += to - from;
  if ((times[from] as number) < statistics.firstAt) {
    statistics.first = valueAt(values, from);
    statistics.firstAt = times[from] as number;
  }
  if ((times[to - 1] as number) >= statistics.lastAt) {
    statistics.last = valueAt(values, to - 1);
    statistics.lastAt = times[to - 1] as number;
  }
  if (values.kind === 'other') {
    for (let at = from; at < to; at += 1) {
      const x = numberOf(values.values[at] as MetricValue);
      if (x !== null) addNumber(statistics, times[at] as number, x);
    }
  } else {
    for (let at = from; at < to; at += 1) addNumber(statistics, times[at] as number, values.numbers[at] as number);
  }
  if (!sketched) return;
  for (let at = from; at < to; at += 1) {
    const x = values.kind === 'other' ? numberOf(values.values[at] as MetricValue) : (values.numbers[at] as number);
    if (x !== null) addToSketch(statistics.sketch, x);
  }
}

function addNumber(to: Statistics, time: number, x: number): void {
  to.n += 1;
  to.sum += x;
  if (x < to.min) to.min = x;
  if (x > to.max) to.max = x;
  const fromMean = x - to.mean;
  const fromTimeMean = time - to.timeMean;
  to.mean += fromMean / to.n;
  to.timeMean += fromTimeMean / to.n;
  to.m2 += fromMean * (x - to.mean);
  to.timeM2 += fromTimeMean * (time - to.timeMean);
  to.comoment += fromTimeMean * (x - to.mean);
}

export function mergeStatistics(to: Statistics, other: Statistics): void {
  to.count += other.count;
  if (other.firstAt < to.firstAt) {
    to.first = other.first;
    to.firstAt = other.firstAt;
  }
  if (other.lastAt >= to.lastAt) {
    to.last = other.last;
    to.lastAt = other.lastAt;
  }
  if (other.n === 0) return;
  const n = to.n + other.n;
  const apart = other.mean - to.mean;
  const timeApart = other.timeMean - to.timeMean;
  const weight = (to.n * other.n) / n;
  to.m2 += other.m2 + apart * apart * weight;
  to.timeM2 += other.timeM2 + timeApart * timeApart * weight;
  to.comoment += other.comoment + apart * timeApart * weight;
  to.mean += (apart * other.n) / n;
  to.timeMean += (timeApart * other.n) / n;
  to.n = n;
  to.sum += other.sum;
  to.min = Math.min(to.min, other.min);
  to.max = Math.max(to.max, other.max);
  mergeSketch(to.sketch, other.sketch);
}
