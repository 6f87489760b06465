import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { systemClock } from '#kernel/clock.ts';
import { silentLogger } from '#kernel/logger.ts';
import { createSqliteDocumentStore, DOCUMENT_PROCEDURES } from '#platform/documents/sqlite/documents.sqlite.ts';
import { createSqliteThread } from '#platform/sqlite/sqlite-thread.ts';
import { temporaryFolder } from '#test/support/folders.ts';
import { aggregationContract } from '../aggregation.contract.ts';
import { telemetryBatchesContract } from '../telemetry.batches.contract.ts';
import { type TelemetryHarness, telemetryContract } from '../telemetry.contract.ts';
import { telemetryNamesContract } from '../telemetry.names.contract.ts';
import type { TelemetryStore } from '../telemetry.port.ts';
import { createSqliteTelemetryStore, TELEMETRY_PROCEDURES } from './telemetry.sqlite.ts';

async function openStore(file: string) {
  const options = { file, procedures: [TELEMETRY_PROCEDURES, DOCUMENT_PROCEDURES], logger: silentLogger };
  const writer = createSqliteThread({ name: 'writer', mode: 'write', ...options });
  const reader = createSqliteThread({ name: 'reader', mode: 'read', ...options });
  await writer.start?.(AbortSignal.timeout(60_000));
  await reader.start?.(AbortSignal.timeout(60_000));
  const documents = createSqliteDocumentStore({ writer, reader, clock: systemClock, logger: silentLogger });
  const logs: TelemetryHarness['logs'] = documents.collection({ name: 'device_logs', indexes: [['timestamp']] });
  await documents.start?.(AbortSignal.timeout(60_000));
  return {
    store: createSqliteTelemetryStore({ writer, reader }),
    logs,
    close: async () => {
      await documents.stop?.(AbortSignal.timeout(60_000));
      await writer.stop?.(AbortSignal.timeout(60_000));
      await reader.stop?.(AbortSignal.timeout(60_000));
    },
  };
}

async function openHarness() {
  const folder = temporaryFolder();
  const file = join(folder.path, 'telemetry.db');
  let opened = await openStore(file);
  return {
    store: opened.store,
    logs: opened.logs,
    async reopen() {
      await opened.close();
      opened = await openStore(file);
      return opened.store;
    },
    async close() {
      await opened.close();
      folder.remove();
    },
  };
}

const EVERYTHING = { endedBefore: 9e15, changedBefore: 9e15, limit: 1_000 };

/** The store, in which what `whether` says is sealed after each append: nothing can be seen of it. */
function sealing(store: TelemetryStore, whether: () => boolean): TelemetryStore {
  return {
    ...store,
    async append(batch) {
      const result = await store.append(batch);
      if (whether()) await store.seal(EVERYTHING);
      return result;
    },
  };
}

const openSealing = (whether: () => boolean) => async () => {
  const harness = await openHarness();
  return {
    ...harness,
    store: sealing(harness.store, whether),
    reopen: async () => sealing(await harness.reopen(), whether),
  };
};

let turn = 0;
const states = [
  ['rows', openHarness],
  ['sealed', openSealing(() => true)],
  ['partly sealed', openSealing(() => turn++ % 2 === 0)],
] as const;

for (const [state, open] of states) {
  telemetryContract(`sqlite, ${state}`, open);
  telemetryBatchesContract(`sqlite, ${state}`, open);
  telemetryNamesContract(`sqlite, ${state}`, open);
  aggregationContract(`sqlite, ${state}`, open);
}

test('a file becomes smaller when what is in it is sealed', async () => {
  const folder = temporaryFolder();
  const file = join(folder.path, 'telemetry.db');
  const { store, close } = await openStore(file);
  for (let hour = 0; hour < 100; hour += 1) {
    const samples = Array.from({ length: 3_600 }, (_, index) => ({
      ...{ deviceId: 1, timestamp: (hour * 3_600 + index) * 1_000 },
      metrics: { temperature: 20 + (index % 50) / 10, humidity: 50 + (index % 7), on: index % 2 === 0 },
    }));
    await store.append({ samples, counts: [] });
  }
  const pages = () => {
    const database = new DatabaseSync(file);
    const { page_count: count } = database.prepare('PRAGMA page_count').get() as { page_count: number };
    database.close();
    return count;
  };
  const before = pages();
  await store.seal(EVERYTHING);
  expect(pages()).toBeLessThan(before / 2);
  await close();
  folder.remove();
});

test('logs, samples and their counts are one transaction', async () => {
  const folder = temporaryFolder();
  const file = join(folder.path, 'telemetry.db');
  const { store, logs, close } = await openStore(file);
  const log = { id: 'a', device_id: 1, text: 'a', timestamp: 5 };
  const batch = {
    samples: [{ deviceId: 1, timestamp: 5, metrics: { a: 1 } }],
    counts: [],
    logs: { collection: logs, documents: [log] },
  };
  const broken = new DatabaseSync(file);
  broken.exec(`CREATE TRIGGER refuse BEFORE INSERT ON telemetry_devices BEGIN SELECT RAISE(ABORT, 'not counted'); END`);
  await expect(store.append(batch)).rejects.toThrow();
  expect(await logs.findById('a')).toBeNull();
  broken.exec('DROP TRIGGER refuse');
  broken.close();
  expect((await store.append(batch)).newLogs).toEqual([true]);
  expect(await logs.findById('a')).toEqual(log);
  expect(await store.ledger(1)).toEqual({ stored: 2, merged: 0, rejected: {} });
  await close();
  folder.remove();
});

test('a locked file makes an append unavailable, stores nothing, and the next try succeeds', async () => {
  const folder = temporaryFolder();
  const file = join(folder.path, 'telemetry.db');
  const { store, close } = await openStore(file);
  const batch = { samples: [{ deviceId: 1, timestamp: 5, metrics: { a: 1 } }], counts: [] };
  const other = new DatabaseSync(file);
  other.exec('BEGIN IMMEDIATE');
  await expect(store.append(batch)).rejects.toMatchObject({ kind: 'unavailable' });
  other.exec('ROLLBACK');
  other.close();
  expect(await store.ledger(1)).toEqual({ stored: 0, merged: 0, rejected: {} });
  expect(await store.append(batch)).toEqual({ merged: [], leftOut: [], newLogs: [] });
  await close();
  folder.remove();
});

test('an append that was called behind one that failed does not overtake it', async () => {
  const folder = temporaryFolder();
  const file = join(folder.path, 'telemetry.db');
  const { store, close } = await openStore(file);
  const batch = (n: number) => ({ samples: [{ deviceId: 1, timestamp: 5, metrics: { n } }], counts: [] });
  const other = new DatabaseSync(file);
  other.exec('BEGIN IMMEDIATE');
  const first = store.append(batch(1));
  const second = store.append(batch(2)).then(
    () => 'stored',
    (error: { kind: string }) => error.kind,
  );
  await expect(first).rejects.toMatchObject({ kind: 'unavailable' });
  other.exec('ROLLBACK');
  other.close();
  expect(await second).toBe('unavailable');
  await store.append(batch(1));
  await store.append(batch(2));
  expect(await store.latest(1)).toEqual({ n: { value: 2, timestamp: 5 } });
  await close();
  folder.remove();
});

test('a file of a newer schema is refused', async () => {
  const folder = temporaryFolder();
  const file = join(folder.path, 'telemetry.db');
  await (await openStore(file)).close();
  const database = new DatabaseSync(file);
  database.exec('INSERT INTO telemetry_schema VALUES (999)');
  database.close();
  await expect(openStore(file)).rejects.toThrow(/schema version 999/);
  folder.remove();
});

test('a file from before there were roll-ups is rolled up, hour by hour', async () => {
  const folder = temporaryFolder();
  const file = join(folder.path, 'telemetry.db');
  const old = new DatabaseSync(file);
  old.exec(`
    CREATE TABLE telemetry (device_id INTEGER NOT NULL, timestamp INTEGER NOT NULL, metrics TEXT NOT NULL,
      PRIMARY KEY (device_id, timestamp)) WITHOUT ROWID;
    CREATE TABLE telemetry_schema (version INTEGER NOT NULL);
    INSERT INTO telemetry_schema VALUES (1)`);
  const hour = 3_600_000;
  const T0 = 488_888 * hour;
  const times = [T0, T0 + hour - 1, T0 + hour, T0 + 5 * hour + 7];
  for (const deviceId of [3, 9]) {
    for (const time of times) old.prepare('INSERT INTO telemetry VALUES (?, ?, ?)').run(deviceId, time, '{"a":2}');
  }
  old.close();
  const { store, close } = await openStore(file);
  const query = { deviceId: 9, metrics: ['a'], edges: [T0, T0 + 6 * hour], percentiles: [], moments: false };
  expect(await store.aggregate({ ...query, source: 'auto' })).toMatchObject({ source: 'mixed', rows: [{ sum: 8 }] });
  expect(await store.rollUp({ endedBefore: T0 + 9 * hour, limit: 100 })).toBe(6);
  expect(await store.aggregate({ ...query, source: 'auto' })).toMatchObject({ source: 'rollup', rows: [{ sum: 8 }] });
  await close();
  folder.remove();
});

test('a file with all latest values in the rows of their devices goes on with them', async () => {
  const folder = temporaryFolder();
  const file = join(folder.path, 'telemetry.db');
  await (await openStore(file)).close();
  const old = new DatabaseSync(file);
  old.exec('DROP TABLE telemetry_latest; DELETE FROM telemetry_schema; INSERT INTO telemetry_schema VALUES (2)');
  const latest = Object.fromEntries(
    Array.from({ length: 1_000 }, (_, n) => [`m${n}`, { value: 'x'.repeat(500), timestamp: 1_000 + n }]),
  );
  const insert = old.prepare('INSERT INTO telemetry_devices VALUES (?, 5, 1, ?, ?)');
  insert.run(1, '{"invalid_json":2}', JSON.stringify(latest));
  insert.run(2, '{}', '{"a":{"value":1,"timestamp":7}}');
  old.close();
  const { store, close } = await openStore(file);
  expect(await store.latest(1)).toEqual(latest);
  const samples = [1, 2].map((deviceId) => ({ deviceId, timestamp: 1_500, metrics: { m0: true, m999: true } }));
  const before = new DatabaseSync(file).prepare('SELECT max(version) AS version FROM telemetry_schema').get();
  expect(before).toEqual({ version: 5 });
  await store.append({ samples, counts: [], maxNames: 1_000 });
  expect(await store.latest(1)).toEqual({ ...latest, m0: { value: true, timestamp: 1_500 } });
  expect(await store.latest(2)).toMatchObject({ a: { value: 1 }, m0: { value: true }, m999: { value: true } });
  expect(await store.ledger(1)).toEqual({ stored: 6, merged: 1, rejected: { invalid_json: 2 } });
  // Added up once from the devices' rows, then kept up.
  expect(await store.totals()).toEqual({ stored: 12, merged: 2, rejected: { invalid_json: 2 } });
  const more = { samples: [{ deviceId: 1, timestamp: 2_000, metrics: { more: 1 } }], counts: [], maxNames: 1_000 };
  expect((await store.append(more)).leftOut).toEqual([{ index: 0, reason: 'too_many_names' }]);
  await close();
  folder.remove();
});

test('what is appended while an hour is rolled up makes it due again', async () => {
  const folder = temporaryFolder();
  const { store, close } = await openStore(join(folder.path, 'telemetry.db'));
  const T0 = 488_888 * 3_600_000;
  const append = (timestamp: number) =>
    store.append({ samples: [{ deviceId: 1, timestamp, metrics: { a: 1 } }], counts: [] });
  const query = { deviceId: 1, metrics: ['a'], edges: [T0, T0 + 3_600_000], percentiles: [], moments: false };
  await append(T0);
  let appended = 1;
  for (let round = 0; round < 20; round += 1) {
    const rolling = store.rollUp({ endedBefore: T0 + 7_200_000, limit: 10 });
    for (let each = 0; each < 5; each += 1) await append(T0 + appended++);
    await rolling;
    expect((await store.aggregate({ ...query, source: 'auto' })).rows).toMatchObject([{ sum: appended }]);
  }
  await store.rollUp({ endedBefore: T0 + 7_200_000, limit: 10 });
  expect(await store.aggregate({ ...query, source: 'auto' })).toMatchObject({
    source: 'rollup',
    rows: [{ sum: appended }],
  });
  await close();
  folder.remove();
});
