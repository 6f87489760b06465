import type { DatabaseSync } from 'node:sqlite';
import { bucketOf } from '../aggregation/aggregator.ts';
import { quantileOfSorted } from '../aggregation/sketch.ts';
import {
  HOUR_MS,
  type RawCell,
  type RawPart,
  type RawQuery,
  type RollupPart,
  type RollupQuery,
} from '../aggregation/source.ts';
import { encodeStatistics } from '../aggregation/statistics.codec.ts';
import { addValues, createStatistics, numberOf, type Statistics } from '../aggregation/statistics.ts';
import type { SeriesQuery, SeriesSlice } from '../aggregation.port.ts';
import type { Column } from '../sealing/column.codec.ts';
import { lowerBound } from '../sealing/segment.codec.ts';
import type { MetricValue } from '../telemetry.port.ts';
import type { createSampleReads } from './samples.procedures.ts';
import { type Run, runsOf } from './samples.runs.ts';

interface Cell {
  readonly statistics: Statistics;
  /** For exact percentiles; empty when none are wanted. */
  readonly values: number[];
}

/**
 * The reading side of aggregation, on the store's reading thread. Samples are added up here and not by GROUP BY:
 * json_extract and an aggregate function take two to five times as long for each sample as one JSON.parse does.
 */
export function createAggregationReads(database: DatabaseSync, stored: ReturnType<typeof createSampleReads>) {
  const selectChanged = database.prepare(
    'SELECT hour FROM telemetry_changed_hours WHERE device_id = ? AND hour > ? AND hour < ?',
  );
  const selectRollups = database.prepare(
    'SELECT start, statistics FROM telemetry_rollups WHERE device_id = ? AND metric = ? AND width = ? AND start >= ? AND start < ?',
  );

  return {
    'telemetry.raw': (query: RawQuery): RawPart => {
      const collector = createCollector(query);
      const { count, lastTime } = stored.read(query, (part) => {
        for (const [metric, run] of runsOf(part, query.metrics)) collector.add(metric, run);
      });
      return { cells: collector.cells(), next: count < query.limit ? null : lastTime + 1 };
    },
    'telemetry.rollups': ({ deviceId, metrics, level, from, to }: RollupQuery): RollupPart => {
      const changed = selectChanged.all(deviceId, from - HOUR_MS, to) as { hour: number }[];
      const rows = metrics.flatMap((metric) =>
        (selectRollups.all(deviceId, metric, level, from, to) as { start: number; statistics: Uint8Array }[]).map(
          ({ start, statistics }) => ({ metric, start, statistics }),
        ),
      );
      return { changedHours: changed.map(({ hour }) => hour), rows };
    },
    'telemetry.series': ({ deviceId, metric, start, end, after, limit }: SeriesQuery): SeriesSlice => {
      const from = after === undefined ? start : Math.max(start, after + 1);
      const slices: SamplesOfMetric[] = [];
      const { count, lastTime } = stored.read({ deviceId, from, to: end, limit }, (part) => {
        for (const [, run] of runsOf(part, [metric])) slices.push(numericOf(run));
      });
      const length = slices.reduce((sum, { times }) => sum + times.length, 0);
      const timestamps = new Float64Array(length);
      const values = new Float64Array(length);
      let at = 0;
      for (const slice of slices) {
        timestamps.set(slice.times, at);
        values.set(slice.numbers, at);
        at += slice.times.length;
      }
      return { timestamps, values, next: count < limit ? null : lastTime };
    },
  };
}

interface SamplesOfMetric {
  readonly times: ArrayLike<number>;
  readonly numbers: ArrayLike<number>;
}

function numericOf({ times, values }: Run): SamplesOfMetric {
  if (values.kind !== 'other') return { times, numbers: values.numbers };
  const found: number[] = [];
  const numbers: number[] = [];
  for (let at = 0; at < times.length; at += 1) {
    const number = numberOf(values.values[at] as MetricValue);
    if (number === null) continue;
    found.push(times[at] as number);
    numbers.push(number);
  }
  return { times: found, numbers };
}

/** Adds up values bucket by bucket. */
function createCollector({ edges, sketch, percentiles }: RawQuery) {
  const byMetric = new Map<string, Map<number, Cell>>();
  return {
    add(metric: string, { times, values }: Run): void {
      const end = times.length;
      for (let at = 0; at < end; ) {
        const bucket = bucketOf(edges, times[at] as number);
        const until = lowerBound(times, edges[bucket + 1] as number, at);
        const cell = cellOf(byMetric, metric, bucket);
        addValues(cell.statistics, { times, values, from: at, to: until }, sketch);
        if (percentiles.length > 0) collectNumbers(values, at, until, cell.values);
        at = until;
      }
    },
    cells: (): RawCell[] =>
      [...byMetric].flatMap(([metric, buckets]) =>
        [...buckets].map(([bucket, { statistics, values }]) => ({
          metric,
          bucket,
          statistics: encodeStatistics(statistics),
          percentiles: quantiles(values, percentiles),
        })),
      ),
  };
}

function collectNumbers(column: Column, from: number, to: number, found: number[]): void {
  for (let at = from; at < to; at += 1) {
    const x = column.kind === 'other' ? numberOf(column.values[at] as MetricValue) : (column.numbers[at] as number);
    if (x !== null) found.push(x);
  }
}

function cellOf(byMetric: Map<string, Map<number, Cell>>, metric: string, bucket: number): Cell {
  let buckets = byMetric.get(metric);
  if (buckets === undefined) {
    buckets = new Map();
    byMetric.set(metric, buckets);
  }
  let cell = buckets.get(bucket);
  if (cell === undefined) {
    cell = { statistics: createStatistics(), values: [] };
    buckets.set(bucket, cell);
  }
  return cell;
}

function quantiles(values: readonly number[], percentiles: readonly number[]): number[] {
  if (values.length === 0) return [];
  const sorted = Float64Array.from(values).sort();
  return percentiles.map((p) => quantileOfSorted(sorted, p));
}
