import type { DatabaseSync } from 'node:sqlite';
import { LRUCache } from 'lru-cache';
import { grownTo } from '#kernel/lru.ts';
import { createInsert, createPrepare } from '#platform/documents/sqlite/documents.procedures.ts';
import {
  type AppendResult,
  type LatestValue,
  type LedgerEntry,
  type LeftOut,
  MAX_SAMPLE_METRICS,
  type Metrics,
  NAME_KEPT_MS,
  type DeviceState as RestoredState,
} from '../telemetry.port.ts';
import { createAggregationReads } from './aggregation.procedures.ts';
import { type EncodedBatch, latestWithout } from './encoded-batch.ts';
import { createHistoryReads } from './history.procedures.ts';
import { createLatestReads, createLatestWrites, LATEST_SCHEMA, type LatestState } from './latest.procedures.ts';
import { createHourMarks, createRollupWrites, markAllHours, ROLLUP_SCHEMA } from './rollup.procedures.ts';
import { createSampleReads } from './samples.procedures.ts';
import { createSealedRemoval, createSealingReads, createSealingWrites } from './sealing.procedures.ts';
import { createSegmentWrites, hourOf, SEGMENT_SCHEMA } from './segments.procedures.ts';
import { createTotalsReads, createTotalsWrites, sumTotals, TOTALS_SCHEMA } from './totals.procedures.ts';

interface DeviceState {
  stored: number;
  merged: number;
  readonly rejected: Record<string, number>;
  readonly latest: LatestState;
  /**
   * Hours that are marked as changed, and neither rolled up nor sealed at the moment: no need to mark them again. Of
   * each, whether a part of it is sealed.
   */
  readonly changedHours: Map<number, boolean>;
}

/** 2: roll-ups. 3: latest values in rows of their own. 4: totals. 5: sealed hours. */
const SCHEMA_VERSION = 5;
const SCHEMA = `
  CREATE TABLE IF NOT EXISTS telemetry (
    device_id INTEGER NOT NULL, timestamp INTEGER NOT NULL, metrics TEXT NOT NULL,
    PRIMARY KEY (device_id, timestamp)
  ) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS telemetry_devices (
    device_id INTEGER PRIMARY KEY, stored INTEGER NOT NULL, merged INTEGER NOT NULL,
    rejected TEXT NOT NULL, latest TEXT NOT NULL
  );
  CREATE TABLE IF NOT EXISTS telemetry_schema (version INTEGER NOT NULL);
  ${LATEST_SCHEMA}
  ${ROLLUP_SCHEMA}
  ${TOTALS_SCHEMA}
  ${SEGMENT_SCHEMA}
`;

/** Unavailable, to the caller. https://www.sqlite.org/rescode.html */
const SQLITE_BUSY = 5;

/** States of devices kept in memory by the writer; the least recently active are read again when they return. */
const CACHED_STATES = 20_000;

/** Changed hours of a device that are remembered; late samples may be of any. */
const MAX_REMEMBERED_HOURS = 100;

/** What is deleted can be given back to the disk. */
export function prepareFile(database: DatabaseSync): void {
  database.exec('PRAGMA auto_vacuum=INCREMENTAL');
}

/** The SQL side of the telemetry store; runs on its threads (see sqlite-thread.worker.ts). */
export function createProcedures(database: DatabaseSync, mode: 'write' | 'read') {
  if (mode === 'write') migrate(database);
  const samples = createSampleReads(database);
  const reads = {
    ...createReads(database),
    ...createHistoryReads(samples),
    ...createTotalsReads(database),
    ...createAggregationReads(database, samples),
    ...createSealingReads(database),
  };
  return mode === 'read' ? reads : { ...reads, ...createWrites(database) };
}

function migrate(database: DatabaseSync): void {
  database.exec(SCHEMA);
  const row = database.prepare('SELECT max(version) AS version FROM telemetry_schema').get() as {
    version: number | null;
  };
  if (row.version === SCHEMA_VERSION) return;
  if (row.version !== null && row.version > SCHEMA_VERSION) {
    throw new Error(`the telemetry file has schema version ${row.version}, this program knows ${SCHEMA_VERSION}`);
  }
  // Again after a crash in between: marking twice changes nothing.
  if (row.version === 1) markAllHours(database, 'telemetry_changed_hours');
  if (row.version !== null) markAllHours(database, 'telemetry_unsealed_hours');
  database.exec('BEGIN IMMEDIATE');
  if (row.version === null || row.version < 4) sumTotals(database);
  database.prepare('INSERT INTO telemetry_schema VALUES (?)').run(SCHEMA_VERSION);
  database.exec('COMMIT');
}

function createReads(database: DatabaseSync) {
  const selectState = database.prepare(
    'SELECT stored, merged, rejected, latest FROM telemetry_devices WHERE device_id = ?',
  );
  const selectIds = database.prepare(
    'SELECT device_id FROM telemetry_devices WHERE device_id > ? ORDER BY device_id LIMIT ?',
  );

  const latestOf = createLatestReads(database);
  return {
    'telemetry.latest': (deviceId: number): Record<string, LatestValue> => {
      const row = selectState.get(deviceId) as { latest: string } | undefined;
      return row === undefined ? {} : latestOf(deviceId, row.latest);
    },
    'telemetry.ledger': (deviceId: number): LedgerEntry => {
      const row = selectState.get(deviceId) as { stored: number; merged: number; rejected: string } | undefined;
      if (row === undefined) return { stored: 0, merged: 0, rejected: {} };
      return { stored: row.stored, merged: row.merged, rejected: JSON.parse(row.rejected) };
    },
    'telemetry.deviceIds': ({ after, limit }: { after: number; limit: number }): number[] =>
      selectIds.all(after, limit).map((row) => row['device_id'] as number),
  };
}

function createWrites(database: DatabaseSync) {
  const begin = database.prepare('BEGIN IMMEDIATE');
  const commit = database.prepare('COMMIT');
  const rollback = database.prepare('ROLLBACK');
  const dataVersion = database.prepare('PRAGMA data_version');
  const insert = database.prepare('INSERT INTO telemetry VALUES (?, ?, ?) ON CONFLICT DO NOTHING');
  const selectSample = database.prepare('SELECT metrics FROM telemetry WHERE device_id = ? AND timestamp = ?');
  const updateSample = database.prepare('UPDATE telemetry SET metrics = ? WHERE device_id = ? AND timestamp = ?');
  const selectState = database.prepare(
    'SELECT stored, merged, rejected, latest FROM telemetry_devices WHERE device_id = ?',
  );
  const writeState = database.prepare(
    `INSERT INTO telemetry_devices VALUES (?, ?, ?, ?, ?) ON CONFLICT (device_id) DO UPDATE SET
       stored = excluded.stored, merged = excluded.merged, rejected = excluded.rejected, latest = excluded.latest`,
  );
  const removeOld = database.prepare(
    `DELETE FROM telemetry WHERE (device_id, timestamp) IN
       (SELECT device_id, timestamp FROM telemetry WHERE device_id = ? AND timestamp < ? ORDER BY timestamp LIMIT ?)
     RETURNING timestamp`,
  );
  removeOld.setReturnArrays(true);
  const marks = createHourMarks(database);
  const segments = createSegmentWrites(database);
  const removeSealed = createSealedRemoval(database, segments);
  const latest = createLatestWrites(database);
  const totals = createTotalsWrites(database);
  const insertDocuments = createInsert(createPrepare(database));
  const deviceIds = database.prepare('SELECT device_id FROM telemetry_devices ORDER BY device_id');
  const states = new LRUCache<number, DeviceState>(grownTo(CACHED_STATES));
  let seenVersion: unknown;
  /** Appends of an earlier generation were called before it was known that one before them had failed. */
  let oldestGeneration = 0;

  function stateOf(deviceId: number): DeviceState {
    let state = states.get(deviceId);
    if (state === undefined) {
      const row = selectState.get(deviceId) as
        | { stored: number; merged: number; rejected: string; latest: string }
        | undefined;
      state = {
        stored: row?.stored ?? 0,
        merged: row?.merged ?? 0,
        rejected: Object.assign(Object.create(null), JSON.parse(row?.rejected ?? '{}')),
        latest: latest.load(deviceId, row?.latest),
        changedHours: new Map(),
      };
      states.set(deviceId, state);
    }
    return state;
  }

  /** @returns false: the stored sample has no room for the new metrics, and stays as it is */
  function merge(deviceId: number, timestamp: number, metrics: string): boolean {
    const row = selectSample.get(deviceId, timestamp) as { metrics: string };
    const stored = JSON.parse(row.metrics) as Metrics;
    const united = { ...stored, ...(JSON.parse(metrics) as Metrics) };
    const count = Object.keys(united).length;
    if (count > MAX_SAMPLE_METRICS && count > Object.keys(stored).length) return false;
    const text = JSON.stringify(united);
    if (text !== row.metrics) updateSample.run(text, deviceId, timestamp);
    return true;
  }

  /** @returns whether a part of its hour is sealed */
  function noteChange(deviceId: number, { changedHours }: DeviceState, timestamp: number): boolean {
    const hour = hourOf(timestamp);
    const known = changedHours.get(hour);
    if (known !== undefined) return known;
    marks.mark(deviceId, hour);
    const isSealed = segments.isSealed(deviceId, hour);
    if (changedHours.size >= MAX_REMEMBERED_HOURS) changedHours.clear();
    changedHours.set(hour, isSealed);
    return isSealed;
  }

  /** Makes a sealed sample a row again, so that a late one is merged with it as with any other. */
  function unseal(deviceId: number, timestamp: number): void {
    const sample = segments.sampleAt(deviceId, timestamp);
    if (sample !== undefined) insert.run(deviceId, timestamp, JSON.stringify(sample.metrics));
  }

  /** Removes the oldest samples of a device, and marks their hours. */
  function removeOldOf(deviceId: number, before: number, limit: number): number {
    begin.run();
    try {
      // Sealed ones first: a row that stands for one may not go before it.
      const sealed = removeSealed(deviceId, before, limit);
      const rows = removeOld.all(deviceId, before, limit - sealed.count) as unknown as [timestamp: number][];
      const hours = new Set([...sealed.hours, ...rows.map(([timestamp]) => hourOf(timestamp))]);
      for (const hour of hours) marks.mark(deviceId, hour);
      commit.run();
      return sealed.count + rows.length;
    } catch (error) {
      if (database.isTransaction) rollback.run();
      throw error;
    }
  }

  /** Samples that would bring their device more names than it may have; null when there is none, as almost always. */
  function findCrowding(
    { deviceIds, latest: newest, maxNames }: EncodedBatch,
    metrics: readonly string[],
    touch: (deviceId: number) => DeviceState,
  ): ReadonlySet<number> | null {
    const crowded = new Map<number, Set<string>>();
    for (const [deviceId, values] of newest) {
      const state = touch(deviceId).latest;
      const names = Object.keys(values);
      if (state.names + names.length <= maxNames) continue;
      const newestTime = Math.max(...names.map((name) => (values[name] as LatestValue).timestamp));
      latest.forgetOlder(deviceId, state, newestTime - NAME_KEPT_MS);
      const fresh = names.filter((name) => !latest.has(deviceId, state, name));
      if (state.names + fresh.length > maxNames) crowded.set(deviceId, new Set());
    }
    if (crowded.size === 0) return null;
    const left = new Set<number>();
    for (const [index, deviceId] of deviceIds.entries()) {
      const admitted = crowded.get(deviceId);
      if (admitted === undefined) continue;
      const state = touch(deviceId).latest;
      const fresh = Object.keys(JSON.parse(metrics[index] as string)).filter(
        (name) => !admitted.has(name) && !latest.has(deviceId, state, name),
      );
      if (fresh.length > 0 && state.names + admitted.size + fresh.length > maxNames) left.add(index);
      else for (const name of fresh) admitted.add(name);
    }
    return left;
  }

  function appendInTransaction(batch: EncodedBatch): AppendResult {
    const touched = new Map<number, DeviceState>();
    const touch = (deviceId: number): DeviceState => {
      let state = touched.get(deviceId);
      if (state === undefined) {
        state = stateOf(deviceId);
        touched.set(deviceId, state);
      }
      return state;
    };
    const merged: number[] = [];
    const metrics = batch.metrics.split('\n');
    const crowding = findCrowding(batch, metrics, touch);
    const leftOut: LeftOut[] = [];
    const leaveOut = (index: number, { rejected }: DeviceState, reason: LeftOut['reason']) => {
      rejected[reason] = (rejected[reason] ?? 0) + 1;
      leftOut.push({ index, reason });
    };
    for (let index = 0; index < batch.deviceIds.length; index += 1) {
      const deviceId = batch.deviceIds[index] as number;
      const timestamp = batch.timestamps[index] as number;
      const text = metrics[index] as string;
      const state = touch(deviceId);
      if (crowding?.has(index)) {
        leaveOut(index, state, 'too_many_names');
        continue;
      }
      if (noteChange(deviceId, state, timestamp)) unseal(deviceId, timestamp);
      if (insert.run(deviceId, timestamp, text).changes === 1) {
        state.stored += 1;
      } else if (merge(deviceId, timestamp, text)) {
        state.merged += 1;
        merged.push(index);
      } else {
        leaveOut(index, state, 'sample_full');
      }
    }
    const left = new Set(leftOut.map(({ index }) => index));
    const newest = left.size === 0 ? batch.latest : latestWithout(batch, metrics, left);
    for (const [deviceId, values] of newest) latest.note(deviceId, touch(deviceId).latest, values);
    const { logs } = batch;
    const newLogs = logs === undefined ? [] : insertDocuments(logs);
    for (const [index, { device_id: deviceId }] of logs?.documents.entries() ?? []) {
      const state = touch(deviceId);
      if (newLogs[index] === true) state.stored += 1;
      else state.merged += 1;
    }
    for (const count of batch.counts) {
      const state = touch(count.deviceId);
      state.stored += count.stored ?? 0;
      state.merged += count.merged ?? 0;
      for (const [reason, n] of Object.entries(count.rejected ?? {})) {
        state.rejected[reason] = (state.rejected[reason] ?? 0) + n;
      }
    }
    for (const [deviceId, state] of touched) {
      writeState.run(
        deviceId,
        state.stored,
        state.merged,
        JSON.stringify(state.rejected),
        latest.textOf(deviceId, state.latest),
      );
    }
    return { merged, leftOut, newLogs };
  }

  const forget = (deviceId: number, hour: number) => void states.peek(deviceId)?.changedHours.delete(hour);

  return {
    ...createRollupWrites({ database, forget }),
    ...createSealingWrites({ database, segments, forget }),
    'telemetry.append': (batch: EncodedBatch): AppendResult => {
      if (batch.generation < oldestGeneration) {
        throw Object.assign(new Error('an earlier batch was not stored'), { errcode: SQLITE_BUSY });
      }
      try {
        begin.run();
        // Another process has written (a command beside the server): what is cached may be old.
        const version = (dataVersion.get() as { data_version: number }).data_version;
        if (version !== seenVersion) {
          states.clear();
          segments.forget();
        }
        seenVersion = version;
        const result = appendInTransaction(batch);
        totals.addBatch(batch, result);
        commit.run();
        return result;
      } catch (error) {
        states.clear();
        segments.forget();
        oldestGeneration = batch.generation + 1;
        if (database.isTransaction) rollback.run();
        throw error;
      }
    },
    'telemetry.restore': ({ deviceId, state }: { deviceId: number; state: RestoredState }): void => {
      const { stored, merged, rejected } = state.ledger;
      states.delete(deviceId);
      begin.run();
      try {
        totals.addEntry(stateOf(deviceId), -1);
        states.delete(deviceId);
        totals.addEntry(state.ledger, 1);
        latest.clear(deviceId);
        const text = latest.textOf(deviceId, latest.load(deviceId, JSON.stringify(state.latest)));
        writeState.run(deviceId, stored, merged, JSON.stringify(rejected), text);
        commit.run();
      } catch (error) {
        if (database.isTransaction) rollback.run();
        throw error;
      }
    },
    'telemetry.deleteOlderThan': ({ before, limit }: { before: number; limit: number }): number => {
      let removed = 0;
      for (const { device_id } of deviceIds.all() as { device_id: number }[]) {
        removed += removeOldOf(device_id, before, limit - removed);
        if (removed >= limit) break;
      }
      return removed;
    },
  };
}
