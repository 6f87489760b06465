import { expect, test } from 'vitest';
import { databaseAt, dropDatabase, runSql } from '#test/support/servers/mariadb.ts';
import { describeWithServer } from '#test/support/servers.ts';
import type { SqlStore } from '../sql/sql.port.ts';
import { createSqliteStore } from '../sql/sqlite.ts';
import { auditContract } from './audit.contract.ts';
import { auditMigrations } from './audit.ts';

async function started(store: SqlStore): Promise<SqlStore> {
  await store.start?.(AbortSignal.timeout(10_000));
  await store.migrate();
  return store;
}

auditContract('SQLite', () => started(createSqliteStore({ file: ':memory:', migrations: auditMigrations })));

/** Its users and settings are changed: nobody else's server. */
await describeWithServer(
  'mariadb',
  (server) => {
    async function migrateAs(rights: string): Promise<unknown> {
      const { createMariadbStore } = await import('../sql/mariadb/mariadb.store.ts');
      const url = new URL(databaseAt(server.url));
      const database = url.pathname.slice(1);
      const user = `user_${database.slice(-12)}`;
      await runSql(
        server.url,
        `create database ${database}`,
        `create user '${user}'@'%' identified by 'secret'`,
        `grant ${rights} on ${database}.* to '${user}'@'%'`,
      );
      url.username = user;
      url.password = 'secret';
      const store = createMariadbStore({ url: url.href, migrations: auditMigrations });
      try {
        await store.start?.(AbortSignal.timeout(10_000));
        return await store.migrate();
      } catch (error) {
        return error;
      } finally {
        await store.stop?.(AbortSignal.timeout(5_000));
      }
    }

    test('a user who may make no triggers is told in one line what is missing', async () => {
      expect(await migrateAs('all')).toEqual(Object.keys(auditMigrations));
      expect(await migrateAs('select, insert, update, delete, create, alter, index, references')).toMatchObject({
        code: 'unavailable',
        message: expect.stringMatching(/^The user \w+ may not change the schema of \w+ on MariaDB at .*GRANT ALL/),
      });
    });
  },
  { own: true },
);

await describeWithServer('mariadb', (server) => {
  auditContract('MariaDB', async () => {
    const { createMariadbStore } = await import('../sql/mariadb/mariadb.store.ts');
    const url = databaseAt(server.url);
    const store = createMariadbStore({ url, migrations: auditMigrations });
    return started({
      ...store,
      async stop(signal) {
        await store.stop?.(signal);
        await dropDatabase(url);
      },
    });
  });
});
