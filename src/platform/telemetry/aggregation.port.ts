/** As the telemetry port's `MetricValue`, which builds on this file. */
type Value = number | boolean | string;

/** What is asked of the values of some metrics of one device, bucket by bucket. */
export interface AggregationQuery {
  readonly deviceId: number;
  readonly metrics: readonly string[];
  /** Epoch milliseconds, ascending, at least two: bucket i is from `edges[i]` to before `edges[i + 1]`. */
  readonly edges: readonly number[];
  /** Ascending, each in 0..1: `[0.5, 0.95]`. */
  readonly percentiles: readonly number[];
  /** Whether `m2`, `timeM2` and `comoment` are needed; they are 0 otherwise, or not. */
  readonly moments: boolean;
  /** `raw`: from the samples alone, however long that takes. */
  readonly source: 'auto' | 'raw';
}

/**
 * What the values of one metric in one bucket are. Numeric is a number, or a boolean as 1 or 0; strings are in
 * `count`, `first` and `last` only.
 */
export interface BucketStatistics {
  readonly metric: string;
  readonly bucket: number;
  /** Values of any type; never 0. */
  readonly count: number;
  /** Numeric ones. When 0, what follows up to `comoment` means nothing. */
  readonly n: number;
  readonly sum: number;
  readonly min: number;
  readonly max: number;
  readonly mean: number;
  /** Σ(x − mean)² */
  readonly m2: number;
  /** Of the time stamps of the numeric values, epoch milliseconds. */
  readonly timeMean: number;
  /** Σ(t − timeMean)² */
  readonly timeM2: number;
  /** Σ(t − timeMean)(x − mean) */
  readonly comoment: number;
  /** The earliest value, of any type, and its time. */
  readonly first: Value;
  readonly firstAt: number;
  readonly last: Value;
  readonly lastAt: number;
  /** As asked; empty without numeric values. */
  readonly percentiles: readonly number[];
}

export interface Aggregation {
  /** By metric, then by bucket; those without values are left out. */
  readonly rows: readonly BucketStatistics[];
  /** Whether roll-ups were read, samples, or both. */
  readonly source: 'raw' | 'rollup' | 'mixed';
  /** Approximate ones are within 1 % of the exact value, relative to it. */
  readonly percentiles: 'exact' | 'approximate';
}

export interface SeriesQuery {
  readonly deviceId: number;
  readonly metric: string;
  /** Inclusive, epoch milliseconds. */
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
  /** Continue behind this timestamp: a former slice's `next`. */
  readonly after?: number;
  /** Samples looked at, 1..20,000. */
  readonly limit: number;
}

/** Numeric values in columns, by time. */
export interface SeriesSlice {
  readonly timestamps: Float64Array;
  readonly values: Float64Array;
  /** The timestamp to pass as `after`; null at the end. */
  readonly next: number | null;
}

export interface RollUpRequest {
  /** Only hours that ended before this, epoch milliseconds; an adapter may leave out what ended minutes ago. */
  readonly endedBefore: number;
  /** Device-hours at the most. */
  readonly limit: number;
}

/**
 * Aggregation in the store. Beside the samples it keeps roll-ups: mergeable statistics of each metric in every five
 * minutes and every hour (UTC). Whatever changes samples marks the device's hour as changed, in the same step;
 * `rollUp` makes the roll-ups of changed hours again. A changed hour is answered from its samples, so an answer is
 * right at every instant, whether or not `rollUp` has run: only its speed depends on it.
 *
 * Bytes of samples are never added up in the caller's thread; what it merges is a bounded number of partial results.
 */
export interface TelemetryAggregation {
  /**
   * Percentiles are exact when `source` is `raw`, or the buckets cover a day at the most, and in both cases the range
   * holds no more than 100,000 samples; also where roll-ups cannot be used because no edge inside lies on a multiple
   * of five minutes. They are approximate otherwise.
   */
  aggregate(query: AggregationQuery): Promise<Aggregation>;
  /** The numeric values of one metric, slice by slice; a slice may be empty before the end. */
  series(query: SeriesQuery): Promise<SeriesSlice>;
  /**
   * Makes the roll-ups of changed device-hours. Safe at any time, in any number of processes.
   * @returns how many; fewer than `limit` means that no more are due
   */
  rollUp(request: RollUpRequest): Promise<number>;
}
