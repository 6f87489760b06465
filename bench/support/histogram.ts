/** Latencies in logarithmic buckets of 2 %: one call per message is cheap and no sample is kept. */
export interface Histogram {
  /** @param ms not negative */
  record(ms: number): void;
  summary(): LatencySummary;
}

/** Milliseconds; 0 everywhere when nothing was recorded. Percentiles are exact to 2 %, `max` is exact. */
export interface LatencySummary {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

const SMALLEST_MS = 0.01;
const STEP = Math.log2(1.02);
const BUCKETS = 1024;

export function createHistogram(): Histogram {
  const buckets = new Uint32Array(BUCKETS);
  let count = 0;
  let max = 0;

  function percentile(fraction: number): number {
    let remaining = Math.ceil(count * fraction);
    for (const [index, inBucket] of buckets.entries()) {
      remaining -= inBucket;
      if (remaining <= 0) return Math.min(max, SMALLEST_MS * 2 ** (index * STEP));
    }
    return max;
  }

  return {
    record(ms) {
      const index = ms <= SMALLEST_MS ? 0 : Math.min(BUCKETS - 1, Math.ceil(Math.log2(ms / SMALLEST_MS) / STEP));
      buckets[index] = (buckets[index] ?? 0) + 1;
      count += 1;
      if (ms > max) max = ms;
    },
    summary: () =>
      count === 0
        ? { count, p50: 0, p99: 0, p999: 0, max }
        : { count, p50: percentile(0.5), p99: percentile(0.99), p999: percentile(0.999), max },
  };
}
