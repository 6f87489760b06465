import { spawn } from 'node:child_process';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { mergeMigrations } from './migrate.ts';
import { sqlStoreContract } from './sql.contract.ts';
import { createSqliteStore } from './sqlite.ts';

sqlStoreContract('SQLite', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sql-'));
  return {
    create: (migrations) => createSqliteStore({ file: join(folder, 'data', 'core.db'), migrations }),
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

  test('writes and migrates beside another thread or process', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sql-'));
    const file = join(folder, 'core.db');
    const sqlite = new URL('./sqlite.ts', import.meta.url).href;
    const writer = `
      const { createSqliteStore } = await import(${JSON.stringify(sqlite)});
      const store = createSqliteStore({ file: ${JSON.stringify(file)}, migrations: {
        '2026_01_01_01_numbers': { up: (db) => db.schema.createTable('numbers').addColumn('n', 'integer').execute() },
      } });
      await store.start();
      const ran = await store.migrate();
      for (let i = 0; i < 50; i++) {
        await store.transaction(async (db) => {
          const [{ total }] = await db.selectFrom('numbers').select((eb) => eb.fn.countAll().as('total')).execute();
          await db.insertInto('numbers').values({ n: total }).execute();
        });
      }
      await store.stop();
      console.log(JSON.stringify(ran));
    `;
    try {
      const ran = await Promise.all(
        [1, 2, 3].map(async () => {
          const child = spawn(process.execPath, ['--input-type=module', '--eval', writer], {
            stdio: ['ignore', 'pipe', 'inherit'],
          });
          return JSON.parse(await text(child.stdout)) as string[];
        }),
      );
      expect(ran.flat()).toEqual(['2026_01_01_01_numbers']);
      const store = createSqliteStore({ file, migrations: {} });
      await store.start?.(AbortSignal.timeout(1000));
      const rows = await store
        .db<{ numbers: { n: number } }>()
        .selectFrom('numbers')
        .select('n')
        .orderBy('n')
        .execute();
      await store.stop?.(AbortSignal.timeout(1000));
      expect(rows.map(({ n }) => n)).toEqual(Array.from({ length: 150 }, (_, index) => index));
    } finally {
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

test('two migrations of one name are a programming error', () => {
  const set = { '2026_01_01_01_x': { up: async () => {} } };
  expect(() => mergeMigrations(set, set)).toThrow('2026_01_01_01_x');
  expect(Object.keys(mergeMigrations(set, { '2026_01_01_02_y': { up: async () => {} } }))).toHaveLength(2);
});
