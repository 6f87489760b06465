import type { DatabaseSync } from 'node:sqlite';
import { LRUCache } from 'lru-cache';
import { HOUR_MS } from '../aggregation/source.ts';
import { decodeSegment, lowerBound, type Segment, type SegmentSample } from '../sealing/segment.codec.ts';

/**
 * Sealed samples: segments of a device that do not overlap and lie within one hour (UTC) each. A row of `telemetry`
 * with the time stamp of a sealed sample stands for it, and is complete: a late sample is merged with what is sealed
 * when it comes. `telemetry_unsealed_hours` has each hour that has rows.
 */
export const SEGMENT_SCHEMA = `
  CREATE TABLE IF NOT EXISTS telemetry_segments (
    id INTEGER PRIMARY KEY, device_id INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
    count INTEGER NOT NULL, samples BLOB NOT NULL
  );
  CREATE UNIQUE INDEX IF NOT EXISTS telemetry_segments_by_time ON telemetry_segments (device_id, first);
  CREATE TABLE IF NOT EXISTS telemetry_unsealed_hours (
    hour INTEGER NOT NULL, device_id INTEGER NOT NULL, version INTEGER NOT NULL,
    PRIMARY KEY (hour, device_id)
  ) WITHOUT ROWID;
`;

/** A segment as it is stored. Times are epoch milliseconds, those of its first and last sample. */
export interface StoredSegment {
  readonly first: number;
  readonly last: number;
  readonly count: number;
  readonly samples: Uint8Array;
}

/** Decoded ones that the writer keeps: late samples of a device come one behind the other. */
const DECODED = 16;

export const hourOf = (timestamp: number): number => Math.floor(timestamp / HOUR_MS) * HOUR_MS;

export function createSegmentReads(database: DatabaseSync) {
  const within = 'SELECT first, last, samples FROM telemetry_segments WHERE device_id = ? AND first >= ? AND first < ?';
  const ascending = database.prepare(`${within} ORDER BY first`);
  const descending = database.prepare(`${within} ORDER BY first DESC`);

  /** Those with samples from `from` to before `to`, one by one. */
  return function* segmentsIn(deviceId: number, from: number, to: number, isDescending = false): Generator<Segment> {
    const rows = (isDescending ? descending : ascending).iterate(deviceId, hourOf(from), to);
    for (const { last, samples } of rows as Iterable<{ last: number; samples: Uint8Array }>) {
      if (last >= from) yield decodeSegment(samples);
    }
  };
}

/** The writer's side, within its transactions. */
export function createSegmentWrites(database: DatabaseSync) {
  const isSealed = database.prepare(
    'SELECT 1 FROM telemetry_segments WHERE device_id = ? AND first >= ? AND first < ? LIMIT 1',
  );
  const selectAt = database.prepare(
    'SELECT id, last FROM telemetry_segments WHERE device_id = ? AND first >= ? AND first <= ? ORDER BY first DESC LIMIT 1',
  );
  const selectSamples = database.prepare('SELECT samples FROM telemetry_segments WHERE id = ?');
  const insertSegment = database.prepare(
    'INSERT INTO telemetry_segments (device_id, first, last, count, samples) VALUES (?, ?, ?, ?, ?)',
  );
  const removeSegment = database.prepare('DELETE FROM telemetry_segments WHERE id = ?');
  const decoded = new LRUCache<number, Segment>({ max: DECODED });

  function decodedOf(id: number): Segment {
    let segment = decoded.get(id);
    if (segment === undefined) {
      segment = decodeSegment((selectSamples.get(id) as { samples: Uint8Array }).samples);
      decoded.set(id, segment);
    }
    return segment;
  }

  return {
    isSealed: (deviceId: number, hour: number): boolean => isSealed.get(deviceId, hour, hour + HOUR_MS) !== undefined,
    /** Undefined: there is no sealed sample of that time. */
    sampleAt(deviceId: number, timestamp: number): SegmentSample | undefined {
      const row = selectAt.get(deviceId, hourOf(timestamp), timestamp) as { id: number; last: number } | undefined;
      if (row === undefined || row.last < timestamp) return undefined;
      const segment = decodedOf(row.id);
      const at = lowerBound(segment.timestamps(), timestamp);
      return segment.timestamps()[at] === timestamp ? segment.samples(at, at + 1)[0] : undefined;
    },
    insert(deviceId: number, { first, last, count, samples }: StoredSegment): void {
      insertSegment.run(deviceId, first, last, count, samples);
    },
    /** @returns whether it was there */
    remove(id: number): boolean {
      decoded.delete(id);
      return removeSegment.run(id).changes === 1;
    },
    /** Another process may have changed what is remembered. */
    forget: () => decoded.clear(),
    decodedOf,
  };
}
