import type { DatabaseSync } from 'node:sqlite';
import { HOUR_MS } from '../aggregation/source.ts';
import {
  decodeSegment,
  encodeSegment,
  lowerBound,
  MAX_SEGMENT_SAMPLES,
  MAX_SEGMENT_VALUES,
  type SegmentSample,
} from '../sealing/segment.codec.ts';
import type { Metrics, SealRequest } from '../telemetry.port.ts';
import { merged } from './samples.procedures.ts';
import { type createSegmentWrites, hourOf, type StoredSegment } from './segments.procedures.ts';

/** A device-hour that has rows, as it was when its sealing was begun. */
export interface UnsealedHour {
  readonly deviceId: number;
  /** Its start, epoch milliseconds. */
  readonly hour: number;
  /** Another one later means that it has changed. */
  readonly version: number;
}

/** Rows of an hour, and the segments that they are merged with, as segments. */
export interface SealedPart extends UnsealedHour {
  /** Time stamps of the first and the last row; `rows` of them. All 0: there was none. */
  readonly from: number;
  readonly to: number;
  readonly rows: number;
  /** Ids of segments whose samples are in `segments`. */
  readonly replaced: readonly number[];
  readonly segments: readonly StoredSegment[];
  /** Whether the hour has more rows. */
  readonly more: boolean;
}

/** Text of rows that one step reads: others wait for the reading thread meanwhile. */
const MAX_TEXT = 1_000_000;
/** Free pages that stay: the rows of the next hours go there. Of 4 KiB; and a part of the file. */
const KEPT_PAGES = 2_048;
const KEPT_PART = 0.1;
/** Pages given back in one step: commits wait for the writing thread meanwhile. */
const PAGES_AT_ONCE = 256;
/** Segments that one step reads for the same reason. */
const MAX_MERGED = 4;

/** The reading thread's part: rows in, segments out; nothing is changed. */
export function createSealingReads(database: DatabaseSync) {
  const selectRows = database.prepare(
    'SELECT timestamp, metrics FROM telemetry WHERE device_id = ? AND timestamp >= ? AND timestamp < ? ORDER BY timestamp LIMIT ?',
  );
  const selectSegments = database.prepare(
    'SELECT id, first, last FROM telemetry_segments WHERE device_id = ? AND first >= ? AND first < ? ORDER BY first',
  );
  const selectSamples = database.prepare('SELECT samples FROM telemetry_segments WHERE id = ?');
  type Row = { readonly timestamp: number; readonly metrics: string };
  type Known = { readonly id: number; readonly first: number; readonly last: number };

  function rowsOf({ deviceId, hour }: UnsealedHour): Row[] {
    const rows: Row[] = [];
    let length = 0;
    for (const row of selectRows.iterate(deviceId, hour, hour + HOUR_MS, MAX_SEGMENT_SAMPLES)) {
      rows.push(row as unknown as Row);
      length += (row as unknown as Row).metrics.length;
      if (length >= MAX_TEXT) break;
    }
    return rows;
  }

  function part(hour: UnsealedHour): SealedPart {
    let rows = rowsOf(hour);
    const first = rows[0];
    if (first === undefined) return { ...hour, from: 0, to: 0, rows: 0, replaced: [], segments: [], more: false };
    const known = selectSegments.all(hour.deviceId, hour.hour, hour.hour + HOUR_MS) as unknown as Known[];
    const to = (rows.at(-1) as Row).timestamp;
    // Few of them are put together with what has come; of many those that it falls into.
    let met =
      known.length < MAX_MERGED ? known : known.filter((each) => each.last >= first.timestamp && each.first <= to);
    if (met.length > MAX_MERGED) {
      met = met.slice(0, MAX_MERGED);
      const end = (met.at(-1) as Known).last;
      rows = rows.filter(({ timestamp }) => timestamp <= end);
    }
    const sealed = met.flatMap(({ id }) =>
      decodeSegment((selectSamples.get(id) as { samples: Uint8Array }).samples).samples(),
    );
    const parsed = rows.map(({ timestamp, metrics }) => ({ timestamp, metrics: JSON.parse(metrics) as Metrics }));
    const last = (rows.at(-1) as Row).timestamp;
    return {
      ...hour,
      ...{ from: first.timestamp, to: last, rows: rows.length },
      replaced: met.map(({ id }) => id),
      segments: segmentsOf(merged(parsed, sealed, false)),
      // Read again until nothing comes: there are more rows or there are none.
      more: true,
    };
  }

  return {
    'telemetry.seal.read': (hour: UnsealedHour): SealedPart => {
      database.exec('BEGIN');
      try {
        return part(hour);
      } finally {
        database.exec('COMMIT');
      }
    },
  };
}

/** Ascending samples as segments, none larger than it may be. */
function segmentsOf(samples: readonly SegmentSample[]): StoredSegment[] {
  const segments: StoredSegment[] = [];
  let begin = 0;
  let values = 0;
  const close = (end: number) => {
    if (begin < end) segments.push(segmentOf(samples.slice(begin, end)));
    begin = end;
    values = 0;
  };
  for (const [index, { metrics }] of samples.entries()) {
    const more = Object.keys(metrics).length;
    if (index - begin === MAX_SEGMENT_SAMPLES || values + more > MAX_SEGMENT_VALUES) close(index);
    values += more;
  }
  close(samples.length);
  return segments;
}

function segmentOf(samples: readonly SegmentSample[]): StoredSegment {
  return {
    first: (samples[0] as SegmentSample).timestamp,
    last: (samples.at(-1) as SegmentSample).timestamp,
    count: samples.length,
    samples: encodeSegment(samples),
  };
}

export interface SealingWritesOptions {
  readonly database: DatabaseSync;
  readonly segments: ReturnType<typeof createSegmentWrites>;
  /** The next append to this hour has to mark it, though it is marked, and to look whether it is sealed. */
  readonly forget: (deviceId: number, hour: number) => void;
}

/** `begin` names hours, the reading thread makes segments of their rows, `finish` stores what has not changed meanwhile. */
export function createSealingWrites({ database, segments, forget }: SealingWritesOptions) {
  const selectDue = database.prepare(
    `SELECT device_id AS deviceId, hour, version FROM telemetry_unsealed_hours
     WHERE hour <= ? AND version <= ? ORDER BY hour LIMIT ?`,
  );
  const selectVersion = database.prepare(
    'SELECT version FROM telemetry_unsealed_hours WHERE hour = ? AND device_id = ?',
  );
  const removeMark = database.prepare('DELETE FROM telemetry_unsealed_hours WHERE hour = ? AND device_id = ?');
  const removeRows = database.prepare(
    'DELETE FROM telemetry WHERE device_id = ? AND timestamp >= ? AND timestamp <= ?',
  );

  /** @returns false: the hour has changed, or another has sealed it, since it was read */
  function store({ deviceId, hour, version, from, to, rows, replaced, segments: made, more }: SealedPart): boolean {
    const row = selectVersion.get(hour, deviceId) as { version: number } | undefined;
    if (row?.version !== version) return false;
    if (!more) return removeMark.run(hour, deviceId).changes === 1;
    if (removeRows.run(deviceId, from, to).changes !== rows) return false;
    if (!replaced.every((id) => segments.remove(id))) return false;
    for (const segment of made) segments.insert(deviceId, segment);
    return true;
  }

  const freePages = database.prepare('PRAGMA freelist_count');
  const allPages = database.prepare('PRAGMA page_count');

  return {
    /** Gives pages back to the disk that nobody will need soon. @returns whether there are more */
    'telemetry.seal.shrink': (): boolean => {
      const { freelist_count: free } = freePages.get() as { readonly freelist_count: number };
      const { page_count: all } = allPages.get() as { readonly page_count: number };
      const spare = free - Math.max(KEPT_PAGES, all * KEPT_PART);
      if (spare < PAGES_AT_ONCE) return false;
      database.exec(`PRAGMA incremental_vacuum(${PAGES_AT_ONCE})`);
      // A file from before this could be done stays as large as it is, and fills its pages again.
      return (freePages.get() as { readonly freelist_count: number }).freelist_count < free;
    },
    'telemetry.seal.begin': ({ endedBefore, changedBefore, limit }: SealRequest): UnsealedHour[] => {
      const hours = selectDue.all(endedBefore - HOUR_MS, changedBefore, limit) as unknown as UnsealedHour[];
      for (const { deviceId, hour } of hours) forget(deviceId, hour);
      return hours.map(({ deviceId, hour, version }) => ({ deviceId, hour, version }));
    },
    /** @returns whether the hour may have more rows; what has changed is due again later */
    'telemetry.seal.finish': (part: SealedPart): boolean => {
      database.exec('BEGIN IMMEDIATE');
      try {
        const isStored = store(part);
        database.exec(isStored ? 'COMMIT' : 'ROLLBACK');
        return isStored && part.more;
      } catch (error) {
        if (database.isTransaction) database.exec('ROLLBACK');
        throw error;
      }
    },
  };
}

/** Removes the oldest sealed samples of a device, `limit` at the most, within the caller's transaction. */
export function createSealedRemoval(database: DatabaseSync, segments: ReturnType<typeof createSegmentWrites>) {
  const selectOldest = database.prepare(
    'SELECT id, first, last, count FROM telemetry_segments WHERE device_id = ? AND first < ? ORDER BY first LIMIT 1',
  );
  type Oldest = { readonly id: number; readonly first: number; readonly last: number; readonly count: number };

  return (deviceId: number, before: number, limit: number): { readonly count: number; readonly hours: Set<number> } => {
    const hours = new Set<number>();
    let count = 0;
    while (count < limit) {
      const oldest = selectOldest.get(deviceId, before) as Oldest | undefined;
      if (oldest === undefined) break;
      const isWhole = oldest.last < before && oldest.count <= limit - count;
      const segment = isWhole ? undefined : segments.decodedOf(oldest.id);
      const removed =
        segment === undefined ? oldest.count : Math.min(limit - count, lowerBound(segment.timestamps(), before));
      segments.remove(oldest.id);
      for (const rest of segmentsOf(segment?.samples(removed) ?? [])) segments.insert(deviceId, rest);
      hours.add(hourOf(oldest.first));
      count += removed;
    }
    return { count, hours };
  };
}
