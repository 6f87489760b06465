import type { DatabaseSync } from 'node:sqlite';
import { lowerBound, type Segment, type SegmentSample } from '../sealing/segment.codec.ts';
import type { Metrics } from '../telemetry.port.ts';
import { createSegmentReads } from './segments.procedures.ts';

type Row = readonly [timestamp: number, metrics: string];

/** Samples in the order of their time: as they came, or a part of a segment, from one position to before another. */
export type SamplePart =
  | { readonly rows: readonly SegmentSample[] }
  | { readonly segment: Segment; readonly from: number; readonly to: number };

export interface SampleRange {
  readonly deviceId: number;
  /** Inclusive, epoch milliseconds. */
  readonly from: number;
  /** Exclusive. */
  readonly to: number;
  /** Samples at the most. */
  readonly limit: number;
}

/** Reads samples whether they are rows, sealed or both. What a call sees is of one moment. */
export function createSampleReads(database: DatabaseSync) {
  const within = 'SELECT timestamp, metrics FROM telemetry WHERE device_id = ? AND timestamp >= ? AND timestamp < ?';
  const ascending = database.prepare(`${within} ORDER BY timestamp LIMIT ?`);
  const descending = database.prepare(`${within} ORDER BY timestamp DESC LIMIT ?`);
  for (const statement of [ascending, descending]) statement.setReturnArrays(true);
  const segmentsIn = createSegmentReads(database);

  const rowsIn = ({ deviceId, from, to, limit }: SampleRange, isDescending = false) =>
    (isDescending ? descending : ascending).all(deviceId, from, to, limit) as unknown as Row[];

  /** Sealing moves samples from one table to the other: both have to be read as of one moment. */
  function atOnce<T>(work: () => T): T {
    database.exec('BEGIN');
    try {
      return work();
    } finally {
      database.exec('COMMIT');
    }
  }

  function sealedIn({ deviceId, from, to, limit }: SampleRange, isDescending: boolean): SegmentSample[] {
    const found: SegmentSample[] = [];
    for (const segment of segmentsIn(deviceId, from, to, isDescending)) {
      const times = segment.timestamps();
      const [begin, end] = [lowerBound(times, from), lowerBound(times, to)];
      const left = limit - found.length;
      if (isDescending) found.push(...segment.samples(Math.max(begin, end - left), end).reverse());
      else found.push(...segment.samples(begin, Math.min(end, begin + left)));
      if (found.length === limit) break;
    }
    return found;
  }

  function* partsIn(range: SampleRange): Generator<SamplePart> {
    const { deviceId, from, to, limit } = range;
    const rows = rowsIn(range);
    // Behind these there may be more rows, which have not been read.
    const bound = rows.length === limit ? (rows.at(-1) as Row)[0] + 1 : to;
    let left = limit;
    let at = 0;
    const rowsBefore = (time: number): SegmentSample[] => {
      const begin = at;
      while (at < rows.length && (rows[at] as Row)[0] < time) at += 1;
      return rows.slice(begin, at).map(sampleOf);
    };
    function* cut(samples: readonly SegmentSample[]): Generator<SamplePart> {
      if (samples.length === 0 || left === 0) return;
      const part = samples.slice(0, left);
      left -= part.length;
      yield { rows: part };
    }
    for (const segment of segmentsIn(deviceId, from, bound)) {
      const times = segment.timestamps();
      yield* cut(rowsBefore(times[0] as number));
      const inside = rowsBefore((times.at(-1) as number) + 1);
      if (left === 0) return;
      const begin = lowerBound(times, from);
      const end = lowerBound(times, bound);
      if (inside.length > 0) {
        yield* cut(merged(inside, segment.samples(begin, end), false));
      } else if (begin < end) {
        const last = Math.min(end, begin + left);
        left -= last - begin;
        yield { segment, from: begin, to: last };
      }
    }
    yield* cut(rowsBefore(bound));
  }

  return {
    /** The first samples of the range, or, descending, the last, the latest one first. Fewer than `limit`: that is all. */
    page: (range: SampleRange, isDescending: boolean): readonly SegmentSample[] =>
      atOnce(() => {
        const rows = rowsIn(range, isDescending);
        const edge = rows.length === range.limit ? rows.at(-1)?.[0] : undefined;
        const { from = range.from, to = range.to } =
          edge === undefined ? {} : isDescending ? { from: edge } : { to: edge + 1 };
        const sealed = sealedIn({ ...range, from, to }, isDescending);
        return merged(rows.map(sampleOf), sealed, isDescending).slice(0, range.limit);
      }),
    /** Calls `take` with the first samples of the range, part by part. @returns how many, and the time of the last. */
    read: (
      range: SampleRange,
      take: (part: SamplePart) => void,
    ): { readonly count: number; readonly lastTime: number } =>
      atOnce(() => {
        let count = 0;
        let lastTime = range.from;
        for (const part of partsIn(range)) {
          take(part);
          count += 'rows' in part ? part.rows.length : part.to - part.from;
          lastTime = 'rows' in part ? lastOf(part.rows) : (part.segment.timestamps()[part.to - 1] as number);
        }
        return { count, lastTime };
      }),
  };
}

const lastOf = (rows: readonly SegmentSample[]) => (rows.at(-1) as SegmentSample).timestamp;
const sampleOf = ([timestamp, metrics]: Row): SegmentSample => ({ timestamp, metrics: JSON.parse(metrics) as Metrics });

/** Two lists in the same order made one; of two with one time stamp the row stands. */
export function merged(
  rows: readonly SegmentSample[],
  sealed: readonly SegmentSample[],
  isDescending: boolean,
): readonly SegmentSample[] {
  if (sealed.length === 0) return rows;
  if (rows.length === 0) return sealed;
  const all: SegmentSample[] = [];
  let at = 0;
  for (const row of rows) {
    for (; at < sealed.length; at += 1) {
      const { timestamp } = sealed[at] as SegmentSample;
      if (isDescending ? timestamp <= row.timestamp : timestamp >= row.timestamp) break;
      all.push(sealed[at] as SegmentSample);
    }
    if (sealed[at]?.timestamp === row.timestamp) at += 1;
    all.push(row);
  }
  for (; at < sealed.length; at += 1) all.push(sealed[at] as SegmentSample);
  return all;
}
