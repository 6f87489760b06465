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
import { addValue, createStatistics, numberOf, type Statistics } from '../aggregation/statistics.ts';
import type { SeriesQuery, SeriesSlice } from '../aggregation.port.ts';
import type { Metrics, MetricValue } from '../telemetry.port.ts';

interface Cell {
  readonly statistics: Statistics;
  /** For exact percentiles; empty when none are wanted. */
  readonly values: number[];
}

/**
 * The reading side of aggregation, on the store's reading thread. Samples are added up here and not by GROUP BY:
 * json_extract and an aggregate function take two to five times as long for each sample as one JSON.parse does.
 */
export function createAggregationReads(database: DatabaseSync) {
  const select = database.prepare(
    'SELECT timestamp, metrics FROM telemetry WHERE device_id = ? AND timestamp >= ? AND timestamp < ? ORDER BY timestamp LIMIT ?',
  );
  select.setReturnArrays(true);
  const rowsOf = (deviceId: number, from: number, to: number, limit: number) =>
    select.all(deviceId, from, to, limit) as unknown as [timestamp: number, metrics: string][];
  const selectChanged = database.prepare(
    'SELECT hour FROM telemetry_changed_hours WHERE device_id = ? AND hour > ? AND hour < ?',
  );
  const selectRollups = database.prepare(
    'SELECT start, statistics FROM telemetry_rollups WHERE device_id = ? AND metric = ? AND width = ? AND start >= ? AND start < ?',
  );

  return {
    'telemetry.raw': (query: RawQuery): RawPart => {
      const rows = rowsOf(query.deviceId, query.from, query.to, query.limit);
      const lastTime = rows.at(-1)?.[0];
      const next = lastTime === undefined || rows.length < query.limit ? null : lastTime + 1;
      return { cells: cellsOf(query, rows), next };
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
      const rows = rowsOf(deviceId, from, end, limit);
      const timestamps = new Float64Array(rows.length);
      const values = new Float64Array(rows.length);
      let found = 0;
      for (const [time, text] of rows) {
        const value = numericIn(JSON.parse(text) as Metrics, metric);
        if (value === null) continue;
        timestamps[found] = time;
        values[found] = value;
        found += 1;
      }
      const next = rows.length < limit ? null : (rows.at(-1)?.[0] ?? null);
      return { timestamps: timestamps.slice(0, found), values: values.slice(0, found), next };
    },
  };
}

function numericIn(metrics: Metrics, metric: string): number | null {
  return Object.hasOwn(metrics, metric) ? numberOf(metrics[metric] as MetricValue) : null;
}

function cellsOf(query: RawQuery, rows: readonly (readonly [timestamp: number, metrics: string])[]): RawCell[] {
  const { metrics: wanted, edges, sketch, percentiles } = query;
  const byMetric = new Map<string, Map<number, Cell>>();
  let bucket = bucketOf(edges, query.from);
  for (const [time, text] of rows) {
    while (time >= (edges[bucket + 1] as number)) bucket += 1;
    const metrics = JSON.parse(text) as Metrics;
    for (const metric of wanted ?? Object.keys(metrics)) {
      if (wanted !== null && !Object.hasOwn(metrics, metric)) continue;
      const value = metrics[metric] as MetricValue;
      const { statistics, values } = cellOf(byMetric, metric, bucket);
      addValue(statistics, time, value, sketch);
      if (percentiles.length === 0) continue;
      const x = numberOf(value);
      if (x !== null) values.push(x);
    }
  }
  return [...byMetric].flatMap(([metric, buckets]) =>
    [...buckets].map(([index, { statistics, values }]) => ({
      metric,
      bucket: index,
      statistics: encodeStatistics(statistics),
      percentiles: quantiles(values, percentiles),
    })),
  );
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
