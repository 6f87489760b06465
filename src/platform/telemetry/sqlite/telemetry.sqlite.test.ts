import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { silentLogger } from '#kernel/logger.ts';
import { createSqliteThread } from '#platform/sqlite/sqlite-thread.ts';
import { temporaryFolder } from '#test/support/folders.ts';
import { aggregationContract } from '../aggregation.contract.ts';
import { telemetryContract } from '../telemetry.contract.ts';
import { createSqliteTelemetryStore, TELEMETRY_PROCEDURES } from './telemetry.sqlite.ts';

async function openStore(file: string) {
  const options = { file, procedures: [TELEMETRY_PROCEDURES], logger: silentLogger };
  const writer = createSqliteThread({ name: 'writer', mode: 'write', ...options });
  const reader = createSqliteThread({ name: 'reader', mode: 'read', ...options });
  await writer.start?.(AbortSignal.timeout(60_000));
  await reader.start?.(AbortSignal.timeout(60_000));
  return {
    store: createSqliteTelemetryStore({ writer, reader }),
    close: async () => {
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

telemetryContract('sqlite', openHarness);
aggregationContract('sqlite', openHarness);

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
  expect(await store.append(batch)).toEqual({ merged: [] });
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
