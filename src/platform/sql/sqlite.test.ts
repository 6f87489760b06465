import { mkdtemp, open, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Kysely, sql } from 'kysely';
import { describe, expect, test } from 'vitest';
import { mergeMigrations } from './migrate.ts';
import { sqlStoreContract } from './sql.contract.ts';
import type { SqlDurability } from './sql.port.ts';
import { sqlProcessesContract } from './sql.processes.contract.ts';
import { sqlTransferContract } from './sql.transfer.contract.ts';
import { createSqliteStore } from './sqlite.ts';

for (const contract of [sqlStoreContract, sqlTransferContract]) {
  contract('SQLite', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sql-'));
    return {
      create: (migrations) => createSqliteStore({ file: join(folder, 'data', 'core.db'), migrations }),
      dispose: () => rm(folder, { recursive: true, force: true }),
    };
  });
}

sqlProcessesContract('SQLite', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sql-'));
  const file = join(folder, 'core.db');
  return {
    create: (migrations) => createSqliteStore({ file, migrations }),
    module: new URL('./sqlite.ts', import.meta.url),
    expression: `createSqliteStore({ file: ${JSON.stringify(file)}, migrations })`,
    dispose: () => rm(folder, { recursive: true, force: true }),
  };
});

describe('SQLite', () => {
  test('makes its folder readable by the owner only', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sql-'));
    try {
      const store = createSqliteStore({ file: join(folder, 'data', 'core.db'), migrations: {} });
      await store.start?.(AbortSignal.timeout(1000));
      await store.stop?.(AbortSignal.timeout(1000));
      expect((await stat(join(folder, 'data'))).mode & 0o777).toBe(0o700);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  test('a file that is damaged under way makes the change token unavailable, not a bug', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sql-'));
    const file = join(folder, 'core.db');
    const start = async () => {
      const store = createSqliteStore({ file, migrations: {} });
      await store.start?.(AbortSignal.timeout(10_000));
      return store;
    };
    const first = await start();
    await sql`create table a (x)`.execute(first.db());
    await first.stop?.(AbortSignal.timeout(10_000));
    const store = await start();
    const write = () => sql`insert into a values (1)`.execute(store.db());
    try {
      await write();
      await sql`select * from a`.execute(store.db());
      expect(store.changeToken()).not.toBeNull();
      // The log holds the table alone: whoever sees that something changed reads the head of the file anew.
      const handle = await open(file, 'r+');
      await handle.write(Buffer.alloc(100, 9), 0, 100, 0);
      await handle.close();
      await write();
      expect(() => store.changeToken()).toThrow(expect.objectContaining({ kind: 'unavailable', code: 'unavailable' }));
      await expect(store.ping()).rejects.toMatchObject({ kind: 'unavailable' });
    } finally {
      await store.stop?.(AbortSignal.timeout(10_000)).catch(() => {});
      await rm(folder, { recursive: true, force: true });
    }
  });

  test('a file that is no database is one clear error', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sql-'));
    try {
      await writeFile(join(folder, 'core.db'), 'this is not a database, but long enough to look like one'.repeat(100));
      const store = createSqliteStore({ file: join(folder, 'core.db'), migrations: {} });
      await expect(store.start?.(AbortSignal.timeout(1000))).rejects.toMatchObject({
        kind: 'unavailable',
        message: expect.stringContaining(join(folder, 'core.db')),
      });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});

test('what is for soon waits for no disk, and nothing else is held to that', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sqlite-'));
  const store = createSqliteStore({ file: join(folder, 'core.db'), migrations: {} });
  try {
    await store.start?.(new AbortController().signal);
    const levelIn = async (db: Kysely<unknown>) =>
      (await sql<{ synchronous: number }>`pragma synchronous`.execute(db)).rows[0]?.synchronous;
    const inTransaction = (durability?: SqlDurability) => store.transaction(levelIn, durability);
    const fails = store.transaction<unknown, void>(async () => {
      throw new Error('changed its mind');
    }, 'soon');
    await expect(fails).rejects.toThrow('changed its mind');
    // 1 is NORMAL, 2 is FULL.
    expect(await levelIn(store.db())).toBe(2);
    expect(await Promise.all([inTransaction('soon'), inTransaction(), inTransaction('soon')])).toEqual([1, 2, 1]);
    expect(await levelIn(store.db())).toBe(2);
  } finally {
    await store.stop?.(new AbortController().signal);
    await rm(folder, { recursive: true });
  }
});

test('two migrations of one name are a programming error', () => {
  const set = { '2026_01_01_01_x': { up: async () => {} } };
  expect(() => mergeMigrations(set, set)).toThrow('2026_01_01_01_x');
  expect(Object.keys(mergeMigrations(set, { '2026_01_01_02_y': { up: async () => {} } }))).toHaveLength(2);
});
