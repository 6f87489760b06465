import type { Component } from '#kernel/lifecycle.ts';

/** Numbers over time, in columns of the same length, ascending by time (epoch milliseconds). */
export interface Columns {
  readonly timestamps: Float64Array;
  readonly values: Float64Array;
}

export interface OutlierQuery {
  /** Values before one that it is compared with, 2 or more. */
  readonly window: number;
  /** Standard deviations. */
  readonly threshold: number;
  /** The first so many outliers are returned. */
  readonly limit: number;
}

export interface Outlier {
  readonly timestamp: number;
  readonly value: number;
  /** Mean of the `window` values before; null for the first ones. */
  readonly movingAverage: number | null;
  /** Distance from it in standard deviations of those values; null also when they are all the same. */
  readonly movingScore: number | null;
  /** Distance from the mean of the whole series in its standard deviations; null when all are the same. */
  readonly score: number | null;
  readonly byMovingAverage: boolean;
  readonly byScore: boolean;
}

export interface OutlierReport {
  readonly samples: number;
  readonly mean: number | null;
  /** With n − 1. */
  readonly deviation: number | null;
  readonly total: number;
  /** By time. */
  readonly outliers: readonly Outlier[];
}

export type CellValue = number | boolean | string;

/** Cells by column; a row may lack some. Ascending by time, each time once. */
export interface ColumnarRow {
  readonly timestamp: number;
  readonly metrics: Readonly<Record<string, CellValue>>;
}

/**
 * Computation on columns beyond what the stores aggregate. Off the event loop, in bounded memory: what does not fit
 * goes to temporary files. Needs no start; `stop` ends what is under way.
 */
export interface ColumnarEngine extends Component {
  /**
   * Outliers of a series: more than `threshold` standard deviations away from the mean of the `window` values before
   * (a change after values that are all the same is always one), or from the mean of the whole series.
   */
  outliers(series: AsyncIterable<Columns>, query: OutlierQuery): Promise<OutlierReport>;
  /**
   * A Parquet file: `timestamp` (an instant: adjusted to UTC), then the given columns. A column is DOUBLE or BOOLEAN when all
   * its values are, VARCHAR otherwise. Its bytes come when all rows were taken.
   */
  parquet(columns: readonly string[], rows: AsyncIterable<readonly ColumnarRow[]>): AsyncIterable<Uint8Array>;
}
