/*
 * DDSketch: C. Masson, J. E. Rim, H. K. Lee, "DDSketch: A Fast and Fully-Mergeable Quantile Sketch with
 * Relative-Error Guarantees", PVLDB 12(12), 2019. Values are counted in bins whose borders grow by γ; each value of
 * a bin is within α of the bin's representative, so that any quantile is within α of the true one, relative to it.
 * Merging adds counts: it is exact, associative and commutative. No bins are ever collapsed, so the bound holds for
 * all values; there are at most as many bins as values, and never more than 71,000 a sign.
 */

/** Bound of the relative error of a quantile. */
const SKETCH_ACCURACY = 0.01;
const GAMMA = (1 + SKETCH_ACCURACY) / (1 - SKETCH_ACCURACY);
export const LN_GAMMA = Math.log(GAMMA);

/** Counts by bin. A value x ≠ 0 is in bin ⌈ln|x| / ln γ⌉ of its sign. */
export interface Sketch {
  zero: number;
  readonly positive: Map<number, number>;
  readonly negative: Map<number, number>;
}

export const createSketch = (): Sketch => ({ zero: 0, positive: new Map(), negative: new Map() });

export function addToSketch(sketch: Sketch, value: number): void {
  if (value === 0) {
    sketch.zero += 1;
    return;
  }
  const bins = value > 0 ? sketch.positive : sketch.negative;
  const bin = Math.ceil(Math.log(Math.abs(value)) / LN_GAMMA);
  bins.set(bin, (bins.get(bin) ?? 0) + 1);
}

export function addBin(bins: Map<number, number>, bin: number, count: number): void {
  bins.set(bin, (bins.get(bin) ?? 0) + count);
}

export function mergeSketch(target: Sketch, other: Sketch): void {
  target.zero += other.zero;
  for (const [bin, count] of other.positive) addBin(target.positive, bin, count);
  for (const [bin, count] of other.negative) addBin(target.negative, bin, count);
}

/**
 * Estimates of the quantiles of `count` values between `min` and `max`, `ps` ascending in 0..1. The same definition
 * as `quantileOfSorted`; both neighbours of a rank are estimated, each within the accuracy.
 */
export function quantilesOfSketch(
  sketch: Sketch,
  ps: readonly number[],
  { n, min, max }: { readonly n: number; readonly min: number; readonly max: number },
): number[] {
  const steps: [value: number, upTo: number][] = [];
  let total = 0;
  const step = (value: number, count: number) => {
    total += count;
    steps.push([Math.min(max, Math.max(min, value)), total]);
  };
  for (const bin of [...sketch.negative.keys()].sort((a, b) => b - a)) {
    step(-representative(bin), sketch.negative.get(bin) as number);
  }
  if (sketch.zero > 0) step(0, sketch.zero);
  for (const bin of [...sketch.positive.keys()].sort((a, b) => a - b)) {
    step(representative(bin), sketch.positive.get(bin) as number);
  }
  const valueAt = (rank: number): number => {
    // The extremes are known exactly.
    if (rank <= 0) return min;
    if (rank >= n - 1) return max;
    for (const [value, upTo] of steps) if (rank < upTo) return value;
    return max;
  };
  return ps.map((p) => interpolated(p, n, valueAt));
}

/** 2γⁱ/(γ+1), the middle of the bin in the sense of the relative error. */
const representative = (bin: number): number => (2 * Math.exp(bin * LN_GAMMA)) / (GAMMA + 1);

/**
 * The quantile of ascending values: linear between the two neighbours of rank p(n−1), from 0. Definition 7 of
 * R. J. Hyndman, Y. Fan, "Sample Quantiles in Statistical Packages", The American Statistician 50(4), 1996; the
 * default of NumPy and of spreadsheets (PERCENTILE.INC).
 */
export function quantileOfSorted(sorted: ArrayLike<number>, p: number): number {
  return interpolated(p, sorted.length, (rank) => sorted[rank] as number);
}

/** Between the values at the two ranks around p(n−1). */
export function interpolated(p: number, n: number, valueAt: (rank: number) => number): number {
  const position = p * (n - 1);
  const rank = Math.floor(position);
  const lower = valueAt(rank);
  const part = position - rank;
  return part === 0 ? lower : lower + (valueAt(rank + 1) - lower) * part;
}
