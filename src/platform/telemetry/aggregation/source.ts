import type { Statistics } from './statistics.ts';

export const HOUR_MS = 3_600_000;
export const FIVE_MINUTES_MS = 300_000;
/** Widths of roll-ups, the coarse one first. */
export const LEVELS = [HOUR_MS, FIVE_MINUTES_MS] as const;
export type Level = (typeof LEVELS)[number];

/** Names of metrics in one device-hour above which it is not rolled up: a device may make up names for ever. */
export const MAX_ROLLED_UP_METRICS = 1_000;

export interface RawQuery {
  readonly deviceId: number;
  /** Null: all. */
  readonly metrics: readonly string[] | null;
  readonly edges: readonly number[];
  /** Only samples from here to before `to`, which lie within the edges. */
  readonly from: number;
  readonly to: number;
  /** Samples read at the most. */
  readonly limit: number;
  readonly moments: boolean;
  readonly sketch: boolean;
  /** Exact ones wanted, 0..1. */
  readonly percentiles: readonly number[];
}

export interface RawCell {
  readonly metric: string;
  readonly bucket: number;
  /** Decoded, or as `encodeStatistics` makes them. */
  readonly statistics: Statistics | Uint8Array;
  readonly percentiles: readonly number[];
}

export interface RawPart {
  readonly cells: readonly RawCell[];
  /** Where to go on; null when everything up to `to` was read. */
  readonly next: number | null;
}

export interface RollupQuery {
  readonly deviceId: number;
  readonly metrics: readonly string[];
  readonly level: Level;
  /** A multiple of the level, as is `to`. */
  readonly from: number;
  readonly to: number;
}

export interface RollupPart {
  /** Starts of the hours in the range that have changed since they were rolled up. Read before the rows. */
  readonly changedHours: readonly number[];
  readonly rows: readonly { readonly metric: string; readonly start: number; readonly statistics: Uint8Array }[];
}

/** What an adapter reads. */
export interface AggregationSource {
  raw(query: RawQuery): Promise<RawPart>;
  rollups(query: RollupQuery): Promise<RollupPart>;
}

/** Of one metric in one device-hour. */
export interface HourRollup {
  readonly metric: string;
  readonly hour: Uint8Array;
  /** By position in the hour, 0..11, those with values. */
  readonly fiveMinutes: readonly (readonly [position: number, statistics: Uint8Array])[];
}
