import { once } from 'node:events';
import { createServer } from 'node:net';
import { type Kysely, sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createFreezer } from '#test/support/freezer.ts';
import { freePort } from '#test/support/server-process.ts';
import { databaseAt, dropDatabase, runSql } from '#test/support/servers/mariadb.ts';
import { describeWithServer } from '#test/support/servers.ts';
import { sqlStoreContract } from '../sql.contract.ts';
import type { MigrationSet, SqlStore } from '../sql.port.ts';
import { sqlProcessesContract } from '../sql.processes.contract.ts';
import { sqlTransferContract } from '../sql.transfer.contract.ts';
import { parseMariadbAddress } from './mariadb.address.ts';
import { createMariadbStore } from './mariadb.store.ts';

interface Tables {
  items: { id: number; name: string; active_name: string | null };
}

const MIGRATIONS: MigrationSet = {
  '2026_01_01_01_items': {
    async up(db: Kysely<unknown>) {
      await db.schema
        .createTable('items')
        .addColumn('id', 'integer', (column) => column.primaryKey())
        .addColumn('name', 'varchar(50)', (column) => column.notNull())
        .addColumn('active_name', 'varchar(50)')
        .execute();
    },
  },
};
const signal = () => AbortSignal.timeout(10_000);
const thrown = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  );

await describeWithServer(
  'mariadb',
  (server) => {
    for (const contract of [sqlStoreContract, sqlTransferContract]) {
      contract('MariaDB', async () => {
        const url = databaseAt(server.url);
        return { create: (migrations) => createMariadbStore({ url, migrations }), dispose: () => dropDatabase(url) };
      });
    }

    sqlProcessesContract('MariaDB', async () => {
      const url = databaseAt(server.url);
      return {
        create: (migrations) => createMariadbStore({ url, migrations }),
        module: new URL('./mariadb.store.ts', import.meta.url),
        expression: `createMariadbStore({ url: ${JSON.stringify(url)}, migrations })`,
        dispose: () => dropDatabase(url),
      };
    });

    describe('MariaDB', () => {
      let url: string;
      let stores: SqlStore[];

      async function open(options: { readonly poolSize?: number; readonly url?: string } = {}): Promise<SqlStore> {
        const store = createMariadbStore({ url, migrations: MIGRATIONS, ...options });
        stores.push(store);
        await store.start?.(signal());
        await store.migrate();
        return store;
      }
      const insert = (db: Kysely<Tables>, id: number, name = 'a') =>
        db.insertInto('items').values({ id, name, active_name: null }).execute();
      const ids = async (store: SqlStore) =>
        (await store.db<Tables>().selectFrom('items').select('id').orderBy('id').execute()).map(({ id }) => id);

      beforeEach(() => {
        url = databaseAt(server.url);
        stores = [];
      });
      afterEach(async () => {
        for (const store of stores) await store.stop?.(AbortSignal.timeout(2_000));
        await dropDatabase(url);
      });

      test('of two stores that check and then write, only one passes the check', async () => {
        const [one, two] = [await open(), await open()];
        await insert(one.db(), 1);
        await insert(one.db(), 2);
        const removeUnlessLast = (store: SqlStore, id: number) =>
          store.transaction<Tables, boolean>(async (db) => {
            const { total } = await db
              .selectFrom('items')
              .select((eb) => eb.fn.countAll<number>().as('total'))
              .executeTakeFirstOrThrow();
            if (total <= 1) return false;
            await db.deleteFrom('items').where('id', '=', id).execute();
            return true;
          });
        const removed = await Promise.all([removeUnlessLast(one, 1), removeUnlessLast(two, 2)]);
        expect(removed.filter(Boolean)).toHaveLength(1);
        expect(await ids(one)).toHaveLength(1);
      });

      test('work that swallows the loss of a deadlock is repeated as a whole', async () => {
        const store = await open();
        await insert(store.db(), 1);
        await insert(store.db(), 2);
        let attempts = 0;
        const both = [1, 2];
        let bothHold = () => {};
        const held = new Promise<void>((resolve) => {
          bothHold = resolve;
        });
        let holding = 0;
        await Promise.all(
          both.map((first) =>
            store.transaction<Tables, void>(async (db) => {
              attempts += 1;
              const touch = (id: number) =>
                db
                  .updateTable('items')
                  .set({ name: `by ${first}` })
                  .where('id', '=', id)
                  .execute();
              await touch(first);
              holding += 1;
              if (holding === 2) bothHold();
              await held;
              await touch(3 - first).catch(() => {});
              await insert(db, 10 + first).catch(() => {});
            }),
          ),
        );
        expect(attempts).toBeGreaterThan(2);
        const rows = await store.db<Tables>().selectFrom('items').select(['id', 'name']).orderBy('id').execute();
        const [{ name: winner } = { name: '' }] = rows;
        expect(rows).toEqual([
          { id: 1, name: winner },
          { id: 2, name: winner },
          { id: 11, name: 'a' },
          { id: 12, name: 'a' },
        ]);
      });

      test('a read outside a transaction waits for nobody', async () => {
        const store = await open();
        await insert(store.db(), 1);
        await store.transaction<Tables, void>(async (db) => {
          await db.updateTable('items').set({ name: 'b' }).execute();
          expect(await store.db<Tables>().selectFrom('items').select('name').execute()).toEqual([{ name: 'a' }]);
        });
      });

      test('a pool of one connection serves many', async () => {
        const store = await open({ poolSize: 1 });
        await Promise.all(Array.from({ length: 30 }, (_, id) => insert(store.db(), id)));
        expect(await ids(store)).toHaveLength(30);
      });

      test('finishes a migration that was cut down half-way, and refuses text that is too long', async () => {
        const store = await open();
        const half: MigrationSet = {
          ...MIGRATIONS,
          '2026_01_01_02_more': {
            async up(db: Kysely<unknown>) {
              await db.schema.createTable('more').addColumn('id', 'integer').execute();
              await db.schema.createIndex('more_by_id').on('more').column('id').execute();
              throw new Error('cut down');
            },
          },
        };
        const whole: MigrationSet = {
          ...MIGRATIONS,
          '2026_01_01_02_more': {
            async up(db: Kysely<unknown>) {
              await db.schema.createTable('more').addColumn('id', 'integer').execute();
              await db.schema.createIndex('more_by_id').on('more').column('id').execute();
            },
          },
        };
        await expect(createStarted(half).then((broken) => broken.migrate())).rejects.toThrow('cut down');
        expect(await createStarted(whole).then((repaired) => repaired.migrate())).toEqual(['2026_01_01_02_more']);
        await expect(insert(store.db(), 1, 'x'.repeat(51))).rejects.toThrow();

        async function createStarted(migrations: MigrationSet): Promise<SqlStore> {
          const started = createMariadbStore({ url, migrations });
          stores.push(started);
          await started.start?.(signal());
          return started;
        }
      });

      test('tables are made alike in a database that somebody made otherwise', async () => {
        await runSql(server.url, `create database \`${new URL(url).pathname.slice(1)}\` charset latin1`);
        const store = await open();
        await insert(store.db(), 1, '한국어 🙂');
        expect(
          await store.db<Tables>().selectFrom('items').select('name').where('name', '=', '한국어 🙂 ').execute(),
        ).toEqual([]);
        expect(await store.db<Tables>().selectFrom('items').select('name').execute()).toEqual([{ name: '한국어 🙂' }]);
      });

      test('an error carries no values', async () => {
        const store = await open();
        const error = await thrown(sql`select ${'secret'} from nowhere`.execute(store.db()));
        expect(JSON.stringify(error)).not.toContain('secret');
      });

      test('in time, a server that went and came back serves the same store', async () => {
        const store = await open();
        await insert(store.db(), 1);
        await server.kill();
        const failures = await Promise.all([
          thrown(insert(store.db(), 2)),
          thrown(store.ping()),
          thrown(store.transaction<Tables, void>(async (db) => void (await insert(db, 3)))),
          ...Array.from({ length: 20 }, () => thrown(ids(store))),
        ]);
        for (const failure of failures) {
          expect(failure).toMatchObject({ kind: 'unavailable', message: 'The database is away.' });
        }
        await server.restart();
        await store.ping();
        await insert(store.db(), 4);
        expect(await ids(store)).toEqual([1, 4]);
      });

      test('a connection that is killed in a transaction undoes it, and only it', async () => {
        const store = await open();
        const failure = await thrown(
          store.transaction<Tables, void>(async (db) => {
            await insert(db, 1);
            const { rows } = await sql<{ id: number }>`select connection_id() as id`.execute(db);
            await runSql(server.url, `kill ${rows[0]?.id}`);
            await insert(db, 2);
          }),
        );
        expect(failure).toMatchObject({ kind: 'unavailable' });
        expect(await ids(store)).toEqual([]);
      });

      test('a server that says nothing any more fails the ping, and the stop is not kept waiting', async () => {
        const freezer = await createFreezer(url);
        try {
          const store = await open({ url: freezer.url });
          freezer.freeze();
          expect(await thrown(store.ping())).toMatchObject({ kind: 'unavailable' });
          await store.stop?.(AbortSignal.timeout(100));
        } finally {
          freezer.close();
        }
      });
    });

    describe('a server that is there and says nothing', () => {
      test('is away after five seconds, for a statement, for a transaction and for who waits for a connection', async () => {
        const url = databaseAt(server.url);
        const freezer = await createFreezer(url);
        const store = createMariadbStore({ url: freezer.url, migrations: MIGRATIONS, poolSize: 2 });
        await store.start?.(signal());
        try {
          await store.migrate();
          const read = () => store.db<Tables>().selectFrom('items').selectAll().execute();
          await read();
          freezer.freeze();
          const startedAt = performance.now();
          const work = [...Array.from({ length: 7 }, read), store.transaction<Tables, unknown>(read)];
          for (const failure of await Promise.all(work.map(thrown))) {
            expect(failure).toMatchObject({ kind: 'unavailable', message: 'The database is away.' });
          }
          const tookMs = performance.now() - startedAt;
          // The limit of one statement is 20 s; a server that is only slow gets it.
          expect(tookMs).toBeLessThan(10_000);
          freezer.thaw();
          expect(await read()).toEqual([]);
        } finally {
          await store.stop?.(AbortSignal.timeout(100));
          freezer.close();
          await dropDatabase(url);
        }
      }, 60_000);

      test('one that is slow is waited for', async () => {
        const url = databaseAt(server.url);
        const store = createMariadbStore({ url, migrations: MIGRATIONS });
        await store.start?.(signal());
        const { rows } = await sql<{ answer: number }>`select sleep(6) as answer`.execute(store.db());
        expect(rows).toEqual([{ answer: 0 }]);
        await store.stop?.(AbortSignal.timeout(100));
        await dropDatabase(url);
      }, 60_000);
    });

    describe('starting', () => {
      const start = (url: string) =>
        thrown(Promise.resolve(createMariadbStore({ url, migrations: {} }).start?.(signal())));
      const at = (changes: Partial<Record<'username' | 'password' | 'pathname' | 'port' | 'hostname', string>>) =>
        Object.assign(new URL(`${server.url}/core`), changes).href;

      test('each reason against it is one clear line without the password', async () => {
        await runSql(
          server.url,
          'create database if not exists theirs',
          "create user if not exists guest@'127.0.0.1' identified by 'guest-password'",
        );
        const guest = { username: 'guest', password: 'guest-password' };
        const cases: readonly (readonly [url: string, message: RegExp])[] = [
          [
            at({ port: String(await freePort()) }),
            /^MariaDB at 127\.0\.0\.1:\d+ cannot be reached \(ECONNREFUSED\)\.$/,
          ],
          [at({ hostname: 'nowhere.invalid' }), /^MariaDB at nowhere\.invalid:\d+ cannot be reached \(\w+\)\.$/],
          [at({ password: 'wrong-password' }), /refuses the user tester or its password\.$/],
          [at({ ...guest, pathname: '/theirs' }), /^The user guest may not use the database theirs of MariaDB at /],
          [at({ ...guest, pathname: '/fresh' }), /^The user guest may not use the database fresh of MariaDB at /],
        ];
        for (const [url, message] of cases) {
          const error = await start(url);
          expect(error).toMatchObject({ kind: 'unavailable', message: expect.stringMatching(message) });
          expect((error as Error).message).not.toMatch(/(tester|wrong|guest)-password/);
        }
      });

      test('gives up when it is told to', async () => {
        const silent = createServer(() => {}).listen(0, '127.0.0.1');
        await once(silent, 'listening');
        const address = silent.address();
        const port = typeof address === 'object' ? String(address?.port) : '';
        const store = createMariadbStore({ url: at({ port }), migrations: {} });
        await expect(store.start?.(AbortSignal.timeout(50))).rejects.toThrow();
        silent.close();
      });
    });
  },
  { own: true },
);

describe('the address', () => {
  test('is read with its defaults and encoded characters', () => {
    expect(parseMariadbAddress('mysql://us%40er:p%2Fw@db.example.com/core')).toEqual({
      host: 'db.example.com',
      port: 3306,
      user: 'us@er',
      password: 'p/w',
      database: 'core',
      tls: false,
    });
    expect(parseMariadbAddress('mysql://u:p@[::1]:3307/core?tls=true')).toMatchObject({
      host: '::1',
      port: 3307,
      tls: true,
    });
  });

  test.each([
    'x',
    'postgres://u:hidden@h/core',
    'mysql://u:hidden@h',
    'mysql://u:hidden@h/',
    'mysql://u:hidden@h/a/b',
    'mysql://u:hidden@h/core?ssl=1',
    'mysql://u:hidden%@h/core',
  ])('refuses %s, and does not repeat the password', (url) => {
    let message = '';
    try {
      parseMariadbAddress(url);
    } catch (error) {
      message = (error as Error).message;
    }
    expect(message).toContain('It looks like mysql://user:password@host:3306/database');
    expect(message).not.toContain('hidden');
  });
});
