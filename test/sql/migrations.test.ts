import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { MIGRATIONS } from '#main/migrations.ts';
import type { MigrationSet, SqlStore } from '#platform/sql/sql.port.ts';
import { createSqliteStore } from '#platform/sql/sqlite.ts';
import { temporaryFolder } from '../support/folders.ts';
import { databaseAt, dropDatabase } from '../support/servers/mariadb.ts';
import { describeWithServer } from '../support/servers.ts';

/** One database, opened by one version of the program after the other. */
interface Database {
  open(migrations: MigrationSet): Promise<SqlStore>;
  remove(): Promise<void>;
}

const NAMES = Object.keys(MIGRATIONS).sort();
const upTo = (count: number): MigrationSet =>
  Object.fromEntries(Object.entries(MIGRATIONS).filter(([name]) => NAMES.indexOf(name) < count));
const stop = (store: SqlStore) => store.stop?.(AbortSignal.timeout(5_000));

function migrationsRunOn(dialect: string, create: () => Database): void {
  describe(`the schema on ${dialect}`, () => {
    let databases: Database[];
    beforeEach(() => {
      databases = [];
    });
    afterEach(async () => {
      for (const database of databases) await database.remove();
    });

    function createDatabase(): Database {
      const database = create();
      databases.push(database);
      return database;
    }
    async function migrated(database: Database, migrations: MigrationSet): Promise<readonly string[]> {
      const store = await database.open(migrations);
      try {
        return await store.migrate();
      } finally {
        await stop(store);
      }
    }
    async function schemaOf(database: Database) {
      const store = await database.open(MIGRATIONS);
      const tables = await store.db().introspection.getTables();
      await stop(store);
      return tables
        .map(({ name, columns }) => ({ name, columns: columns.map(({ comment: _, ...column }) => column) }))
        .sort((a, b) => (a.name < b.name ? -1 : 1));
    }

    test('comes from nothing, once', async () => {
      const database = createDatabase();
      expect(await migrated(database, MIGRATIONS)).toEqual(NAMES);
      expect(await migrated(database, MIGRATIONS)).toEqual([]);
    });

    test.each(NAMES.map((name, index) => [name, index + 1] as const))('comes from %s', async (_, version) => {
      const fresh = createDatabase();
      await migrated(fresh, MIGRATIONS);
      const old = createDatabase();
      await migrated(old, upTo(version));
      expect(await migrated(old, MIGRATIONS)).toEqual(NAMES.slice(version));
      expect(await schemaOf(old)).toEqual(await schemaOf(fresh));
    });

    test.each(NAMES.map((name, index) => [name, index] as const))(
      'is refused by a program before %s',
      async (_, version) => {
        const database = createDatabase();
        await migrated(database, MIGRATIONS);
        await expect(migrated(database, upTo(version))).rejects.toMatchObject({
          kind: 'unavailable',
          message: expect.stringContaining('newer version'),
        });
      },
    );
  });
}

migrationsRunOn('SQLite', () => {
  const folder = temporaryFolder();
  return {
    async open(migrations) {
      const store = createSqliteStore({ file: `${folder.path}/core.db`, migrations });
      await store.start?.(AbortSignal.timeout(5_000));
      return store;
    },
    remove: async () => folder.remove(),
  };
});

await describeWithServer('mariadb', (server) => {
  const create = (): Database => {
    const url = databaseAt(server.url);
    return {
      async open(migrations) {
        const { createMariadbStore } = await import('#platform/sql/mariadb/mariadb.store.ts');
        const store = createMariadbStore({ url, migrations });
        await store.start?.(AbortSignal.timeout(5_000));
        return store;
      },
      remove: () => dropDatabase(url),
    };
  };

  migrationsRunOn('MariaDB', create);

  test('a migration that was cut down before it was recorded runs again', async () => {
    const database = create();
    try {
      for (let version = 1; version <= NAMES.length; version += 1) {
        const store = await database.open(upTo(version));
        await store.migrate();
        await sql`delete from kysely_migration where name = ${NAMES[version - 1]}`.execute(store.db());
        expect(await store.migrate()).toEqual([NAMES[version - 1]]);
        await stop(store);
      }
    } finally {
      await database.remove();
    }
  });
});
