import type { DatabaseSync } from 'node:sqlite';
import { FIVE_MINUTES_MS, HOUR_MS, type HourRollup } from '../aggregation/source.ts';
import type { RollUpRequest } from '../aggregation.port.ts';

/** A device-hour that has changed, as it was when its roll-ups were begun. */
export interface ChangedHour {
  readonly deviceId: number;
  /** Its start, epoch milliseconds. */
  readonly hour: number;
  /** Another one later means that it has changed again. */
  readonly version: number;
}

/** Roll-ups of a device-hour; null when it has too many metrics, and is answered from its samples until it changes. */
export interface FinishedHour extends ChangedHour {
  readonly rollups: readonly HourRollup[] | null;
}

export const ROLLUP_SCHEMA = `
  CREATE TABLE IF NOT EXISTS telemetry_changed_hours (
    device_id INTEGER NOT NULL, hour INTEGER NOT NULL, version INTEGER NOT NULL, given_up INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (device_id, hour)
  ) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS telemetry_rollups (
    device_id INTEGER NOT NULL, metric TEXT NOT NULL, width INTEGER NOT NULL, start INTEGER NOT NULL,
    statistics BLOB NOT NULL,
    PRIMARY KEY (device_id, metric, width, start)
  ) WITHOUT ROWID;
`;

/** One look into the index for each device-hour that has rows. */
const markAll = (table: string) => `
  INSERT OR IGNORE INTO ${table} (device_id, hour, version)
  WITH RECURSIVE present (device_id, timestamp) AS (
    SELECT * FROM (SELECT device_id, timestamp FROM telemetry ORDER BY device_id, timestamp LIMIT 1)
    UNION ALL
    SELECT t.device_id, t.timestamp FROM present p, telemetry t
    WHERE (t.device_id, t.timestamp) = (
      SELECT device_id, timestamp FROM telemetry
      WHERE (device_id, timestamp) >= (p.device_id, (p.timestamp / ${HOUR_MS} + 1) * ${HOUR_MS})
      ORDER BY device_id, timestamp LIMIT 1
    )
  )
  SELECT device_id, timestamp / ${HOUR_MS} * ${HOUR_MS}, 1 FROM present
`;

/** For samples from before there were roll-ups, or sealing. */
export function markAllHours(
  database: DatabaseSync,
  table: 'telemetry_changed_hours' | 'telemetry_unsealed_hours',
): void {
  database.exec(markAll(table));
}

/** The marks of changed hours, for the roll-ups and for sealing, inside the transaction of whatever changes them. */
export function createHourMarks(database: DatabaseSync) {
  const write = database.prepare(
    `INSERT INTO telemetry_changed_hours (device_id, hour, version) VALUES (?, ?, ?)
     ON CONFLICT DO UPDATE SET version = excluded.version, given_up = 0`,
  );
  const writeUnsealed = database.prepare(
    `INSERT INTO telemetry_unsealed_hours (device_id, hour, version) VALUES (?, ?, ?)
     ON CONFLICT DO UPDATE SET version = excluded.version`,
  );
  let version = Date.now();
  return {
    mark(deviceId: number, hour: number): void {
      // Never the same again, also after the mark was removed or the process started anew.
      version = Math.max(version + 1, Date.now());
      write.run(deviceId, hour, version);
      writeUnsealed.run(deviceId, hour, version);
    },
  };
}

export interface RollupWritesOptions {
  readonly database: DatabaseSync;
  /** The next change of this hour has to mark it, though it is marked. */
  readonly forget: (deviceId: number, hour: number) => void;
}

/** `begin` names changed hours, the reading thread adds them up, `finish` stores what has not changed meanwhile. */
export function createRollupWrites({ database, forget }: RollupWritesOptions) {
  const selectChanged = database.prepare(
    `SELECT device_id AS deviceId, hour, version FROM telemetry_changed_hours
     WHERE hour <= ? AND given_up = 0 LIMIT ?`,
  );
  const removeMark = database.prepare(
    'DELETE FROM telemetry_changed_hours WHERE device_id = ? AND hour = ? AND version = ?',
  );
  const giveUp = database.prepare(
    'UPDATE telemetry_changed_hours SET given_up = 1 WHERE device_id = ? AND hour = ? AND version = ?',
  );
  const insert = database.prepare('INSERT INTO telemetry_rollups VALUES (?, ?, ?, ?, ?)');
  const remove = database.prepare(
    'DELETE FROM telemetry_rollups WHERE device_id = ? AND metric = ? AND width = ? AND start >= ? AND start < ?',
  );
  // One look into the index for each name.
  const selectMetrics = database.prepare(
    `WITH RECURSIVE names (metric) AS (
       SELECT min(metric) FROM telemetry_rollups WHERE device_id = ?1
       UNION ALL
       SELECT (SELECT min(metric) FROM telemetry_rollups WHERE device_id = ?1 AND metric > names.metric)
       FROM names WHERE metric IS NOT NULL
     ) SELECT metric FROM names WHERE metric IS NOT NULL`,
  );

  function store({ deviceId, hour, version, rollups }: FinishedHour): void {
    if (rollups === null) {
      giveUp.run(deviceId, hour, version);
      return;
    }
    if (removeMark.run(deviceId, hour, version).changes === 0) return;
    for (const { metric } of selectMetrics.all(deviceId) as { metric: string }[]) {
      for (const width of [HOUR_MS, FIVE_MINUTES_MS]) remove.run(deviceId, metric, width, hour, hour + HOUR_MS);
    }
    for (const { metric, hour: whole, fiveMinutes } of rollups) {
      insert.run(deviceId, metric, HOUR_MS, hour, whole);
      for (const [position, statistics] of fiveMinutes) {
        insert.run(deviceId, metric, FIVE_MINUTES_MS, hour + position * FIVE_MINUTES_MS, statistics);
      }
    }
  }

  return {
    'telemetry.rollup.begin': ({ endedBefore, limit }: RollUpRequest): ChangedHour[] => {
      const hours = selectChanged.all(endedBefore - HOUR_MS, limit) as unknown as ChangedHour[];
      for (const { deviceId, hour } of hours) forget(deviceId, hour);
      return hours.map(({ deviceId, hour, version }) => ({ deviceId, hour, version }));
    },
    'telemetry.rollup.finish': (hours: readonly FinishedHour[]): void => {
      database.exec('BEGIN IMMEDIATE');
      try {
        for (const hour of hours) store(hour);
        database.exec('COMMIT');
      } catch (error) {
        if (database.isTransaction) database.exec('ROLLBACK');
        throw error;
      }
    },
  };
}
