import { databaseAt, dropDatabase } from '#test/support/servers/mariadb.ts';
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
