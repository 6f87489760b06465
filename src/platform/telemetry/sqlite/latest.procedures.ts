import type { DatabaseSync } from 'node:sqlite';
import { type LatestValues, noValues } from '../latest-values.ts';
import type { LatestValue } from '../telemetry.port.ts';

/**
 * Latest values of a device: in its row as long as they are few and short, as with almost every device; one write a
 * commit does for all then. Of a device with more each has a row of its own, so that a commit costs what the device
 * sent and not what it has ever sent.
 */
const MAX_INLINE_NAMES = 32;
const MAX_INLINE_LENGTH = 4_096;
/** In the device's row: they are in `telemetry_latest`. */
const IN_ROWS = '';

export const LATEST_SCHEMA = `
  CREATE TABLE IF NOT EXISTS telemetry_latest (
    device_id INTEGER NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, timestamp INTEGER NOT NULL,
    PRIMARY KEY (device_id, name)
  ) WITHOUT ROWID;
`;

/** What the writer remembers of a device's latest values. */
export interface LatestState {
  /** Null: in rows. */
  inline: LatestValues | null;
  names: number;
  /** No value is older. */
  oldest: number;
}

/** @param text as in the device's row */
export function createLatestReads(database: DatabaseSync) {
  const selectAll = database.prepare('SELECT name, value, timestamp FROM telemetry_latest WHERE device_id = ?');
  return (deviceId: number, text: string): Record<string, LatestValue> => {
    if (text !== IN_ROWS) return JSON.parse(text);
    const rows = selectAll.all(deviceId) as { name: string; value: string; timestamp: number }[];
    return Object.fromEntries(
      rows.map(({ name, value, timestamp }) => [name, { value: JSON.parse(value), timestamp }]),
    );
  };
}

export function createLatestWrites(database: DatabaseSync) {
  const summary = database.prepare(
    'SELECT count(*) AS names, min(timestamp) AS oldest FROM telemetry_latest WHERE device_id = ?',
  );
  const selectOne = database.prepare('SELECT 1 FROM telemetry_latest WHERE device_id = ? AND name = ?');
  const insert = database.prepare('INSERT OR IGNORE INTO telemetry_latest VALUES (?, ?, ?, ?)');
  const update = database.prepare(
    'UPDATE telemetry_latest SET value = ?3, timestamp = ?4 WHERE device_id = ?1 AND name = ?2 AND timestamp <= ?4',
  );
  const removeOlder = database.prepare('DELETE FROM telemetry_latest WHERE device_id = ? AND timestamp < ?');
  const removeAll = database.prepare('DELETE FROM telemetry_latest WHERE device_id = ?');

  function inlineState(values: LatestValues): LatestState {
    const times = Object.values(values).map(({ timestamp }) => timestamp);
    return { inline: values, names: times.length, oldest: Math.min(...times) };
  }

  function stateInRows(deviceId: number): LatestState {
    const { names, oldest } = summary.get(deviceId) as { names: number; oldest: number | null };
    return { inline: null, names, oldest: oldest ?? Number.POSITIVE_INFINITY };
  }

  return {
    /** @param text as in the device's row; undefined: it has none */
    load(deviceId: number, text: string | undefined): LatestState {
      if (text === IN_ROWS) return stateInRows(deviceId);
      return inlineState(Object.assign(noValues(), JSON.parse(text ?? '{}')));
    },
    has(deviceId: number, { inline }: LatestState, name: string): boolean {
      return inline === null ? selectOne.get(deviceId, name) !== undefined : inline[name] !== undefined;
    },
    /** Forgets the names whose value is older than `before`. */
    forgetOlder(deviceId: number, state: LatestState, before: number): void {
      if (before <= state.oldest) return;
      if (state.inline === null) {
        removeOlder.run(deviceId, before);
        Object.assign(state, stateInRows(deviceId));
        return;
      }
      const kept = Object.entries(state.inline).filter(([, { timestamp }]) => timestamp >= before);
      Object.assign(state, inlineState(Object.assign(noValues(), Object.fromEntries(kept))));
    },
    /** Takes what is not older than what is known. */
    note(deviceId: number, state: LatestState, values: LatestValues): void {
      for (const name in values) {
        const latest = values[name] as LatestValue;
        const { timestamp } = latest;
        if (timestamp < state.oldest) state.oldest = timestamp;
        if (state.inline === null) {
          const value = JSON.stringify(latest.value);
          const isKnown = update.run(deviceId, name, value, timestamp).changes === 1;
          if (!isKnown && insert.run(deviceId, name, value, timestamp).changes === 1) state.names += 1;
          continue;
        }
        const known = state.inline[name];
        if (known === undefined) state.names += 1;
        if (known === undefined || timestamp >= known.timestamp) state.inline[name] = latest;
      }
    },
    /** What is to be written into the device's row; puts into rows what is too much for it. */
    textOf(deviceId: number, state: LatestState): string {
      if (state.inline === null) return IN_ROWS;
      const text = state.names <= MAX_INLINE_NAMES ? JSON.stringify(state.inline) : null;
      if (text !== null && text.length <= MAX_INLINE_LENGTH) return text;
      for (const name in state.inline) {
        const { value, timestamp } = state.inline[name] as LatestValue;
        insert.run(deviceId, name, JSON.stringify(value), timestamp);
      }
      state.inline = null;
      return IN_ROWS;
    },
    clear(deviceId: number): void {
      removeAll.run(deviceId);
    },
  };
}
