import { giveWay } from '#kernel/concurrency.ts';
import type { Aggregation, AggregationQuery, BucketStatistics } from '../aggregation.port.ts';
import { quantilesOfSketch } from './sketch.ts';
import { type AggregationSource, HOUR_MS, LEVELS, type Level, type RawCell } from './source.ts';
import { decodeStatistics } from './statistics.codec.ts';
import { mergeStatistics, type Statistics } from './statistics.ts';

/** Samples read in one step: others wait for the store's reading thread meanwhile. */
const RAW_STEP = 20_000;
/** Samples over which percentiles are exact. */
const EXACT_LIMIT = 100_000;
const EXACT_RANGE_MS = 24 * HOUR_MS;
/** Roll-ups of one metric read in one step. */
const ROLLUP_STEP = 720;
/** Partial results merged before others have their turn. */
const TURN = 500;

interface Range {
  readonly from: number;
  readonly to: number;
}

type Cells = ReadonlyMap<string, Map<number, Statistics>>;

/**
 * Answers a query from roll-ups where they stand for the samples, and from samples elsewhere. Which hours have
 * changed is read before their roll-ups: what changes later may be in the answer or not, but never half.
 */
export function createAggregator(source: AggregationSource): (query: AggregationQuery) => Promise<Aggregation> {
  async function exact(query: AggregationQuery): Promise<Aggregation | null> {
    const { deviceId, metrics, edges, percentiles, moments } = query;
    const [from, to] = [first(edges), last(edges)];
    const part = await source.raw({
      ...{ deviceId, metrics, edges, from, to, moments, percentiles },
      limit: EXACT_LIMIT,
      sketch: false,
    });
    if (part.next !== null) return null;
    const rows: BucketStatistics[] = [];
    await inTurns(part.cells, (cell) => rows.push(rowOf(cell.metric, cell.bucket, decoded(cell), cell.percentiles)));
    return { rows: sortedRows(rows, metrics), source: 'raw', percentiles: 'exact' };
  }

  async function addRaw(query: AggregationQuery, cells: Cells, { from, to }: Range): Promise<void> {
    const { deviceId, metrics, edges, moments } = query;
    const sketch = query.percentiles.length > 0;
    for (let at: number | null = from; at !== null && at < to; ) {
      const part = await source.raw({
        ...{ deviceId, metrics, edges, from: at, to, moments, sketch },
        limit: RAW_STEP,
        percentiles: [],
      });
      await inTurns(part.cells, (cell) => add(cells, cell.metric, cell.bucket, decoded(cell)));
      at = part.next;
    }
  }

  /** @returns the ranges whose roll-ups do not stand for their samples */
  async function addRollups(query: AggregationQuery, cells: Cells, level: Level, range: Range): Promise<Range[]> {
    const { deviceId, metrics, edges } = query;
    const stale: Range[] = [];
    for (let from = range.from; from < range.to; from += ROLLUP_STEP * level) {
      const to = Math.min(range.to, from + ROLLUP_STEP * level);
      const { changedHours, rows } = await source.rollups({ deviceId, metrics, level, from, to });
      const changed = new Set(changedHours);
      for (const hour of changedHours) stale.push({ from: Math.max(hour, from), to: Math.min(hour + HOUR_MS, to) });
      await inTurns(rows, ({ metric, start, statistics }) => {
        if (changed.has(Math.floor(start / HOUR_MS) * HOUR_MS)) return;
        add(cells, metric, bucketOf(edges, start), decodeStatistics(statistics));
      });
    }
    return stale;
  }

  return async (query) => {
    const { metrics, edges, percentiles } = query;
    const [start, end] = [first(edges), last(edges)];
    const level = query.source === 'raw' ? null : levelOf(edges);
    if (percentiles.length > 0 && (level === null || end - start <= EXACT_RANGE_MS)) {
      const answer = await exact(query);
      if (answer !== null) return answer;
    }
    const cells: Cells = new Map(metrics.map((metric) => [metric, new Map()]));
    const inner = level === null ? null : wholeIn(start, end, level);
    let raw: readonly Range[] = [{ from: start, to: end }];
    if (level !== null && inner !== null) {
      const stale = await addRollups(query, cells, level, inner);
      raw = joined([{ from: start, to: inner.from }, ...stale, { from: inner.to, to: end }]);
    }
    for (const range of raw) await addRaw(query, cells, range);
    const rows: BucketStatistics[] = [];
    for (const [metric, buckets] of cells) {
      await inTurns([...buckets], ([bucket, statistics]) => {
        rows.push(rowOf(metric, bucket, statistics, estimates(statistics, percentiles)));
      });
    }
    const covered = raw.reduce((sum, { from, to }) => sum + to - from, 0);
    const used = inner === null || covered === end - start ? 'raw' : covered === 0 ? 'rollup' : 'mixed';
    return { rows: sortedRows(rows, metrics), source: used, percentiles: 'approximate' };
  };
}

/** The widest roll-ups of which every bucket inside is made; null when there are none. */
function levelOf(edges: readonly number[]): Level | null {
  const inside = edges.slice(1, -1);
  return LEVELS.find((level) => inside.every((edge) => edge % level === 0)) ?? null;
}

function wholeIn(start: number, end: number, level: Level): Range | null {
  const from = Math.ceil(start / level) * level;
  const to = Math.floor(end / level) * level;
  return from < to ? { from, to } : null;
}

/** Ascending ranges, those that touch made one, empty ones left out. */
function joined(ranges: readonly Range[]): readonly Range[] {
  const all: { from: number; to: number }[] = [];
  for (const { from, to } of ranges) {
    if (from >= to) continue;
    const before = all.at(-1);
    if (before !== undefined && before.to === from) before.to = to;
    else all.push({ from, to });
  }
  return all;
}

/** The index of the bucket that holds `time`. */
export function bucketOf(edges: readonly number[], time: number): number {
  let low = 0;
  let high = edges.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((edges[middle] as number) <= time) low = middle;
    else high = middle;
  }
  return low;
}

function add(cells: Cells, metric: string, bucket: number, statistics: Statistics): void {
  const buckets = cells.get(metric);
  if (buckets === undefined) return;
  const known = buckets.get(bucket);
  if (known === undefined) buckets.set(bucket, statistics);
  else mergeStatistics(known, statistics);
}

function decoded({ statistics }: RawCell): Statistics {
  return statistics instanceof Uint8Array ? decodeStatistics(statistics) : statistics;
}

function estimates({ n, min, max, sketch }: Statistics, percentiles: readonly number[]): readonly number[] {
  return n === 0 || percentiles.length === 0 ? [] : quantilesOfSketch(sketch, percentiles, { n, min, max });
}

function rowOf(
  metric: string,
  bucket: number,
  { sketch: _, first, last, ...rest }: Statistics,
  percentiles: readonly number[],
): BucketStatistics {
  return { metric, bucket, ...rest, first: first as never, last: last as never, percentiles };
}

function sortedRows(rows: BucketStatistics[], metrics: readonly string[]): readonly BucketStatistics[] {
  const order = new Map(metrics.map((metric, index) => [metric, index]));
  const positionOf = ({ metric }: BucketStatistics) => order.get(metric) as number;
  return rows.sort((a, b) => positionOf(a) - positionOf(b) || a.bucket - b.bucket);
}

const first = (edges: readonly number[]): number => edges[0] as number;
const last = (edges: readonly number[]): number => edges.at(-1) as number;

async function inTurns<T>(items: readonly T[], work: (item: T) => void): Promise<void> {
  for (const [index, item] of items.entries()) {
    if (index > 0 && index % TURN === 0) await giveWay();
    work(item);
  }
}
