import { inject } from 'vitest';
import { auditMigrations } from '#platform/audit/audit.ts';
import { mergeMigrations } from '#platform/sql/migrate.ts';
import type { MigrationSet, SqlStore } from '#platform/sql/sql.port.ts';
import { createSqliteStore } from '#platform/sql/sqlite.ts';
import { databaseAt, dropDatabase } from './servers/mariadb.ts';

/**
 * A started and migrated store, empty and of the caller's own, who stops it: SQLite in memory, or a database
 * on MariaDB when the test runs in the Vitest project of that name. It has the audit trail, which every module
 * writes to.
 */
export async function createTestSql(...migrations: readonly MigrationSet[]): Promise<SqlStore> {
  const sql = await createStore(mergeMigrations(auditMigrations, ...migrations));
  await sql.start?.(AbortSignal.timeout(10_000));
  await sql.migrate();
  return sql;
}

async function createStore(migrations: MigrationSet): Promise<SqlStore> {
  const server = inject('mariadbUrl');
  if (server === undefined) return createSqliteStore({ file: ':memory:', migrations });
  const { createMariadbStore } = await import('#platform/sql/mariadb/mariadb.store.ts');
  const url = databaseAt(server);
  const store = createMariadbStore({ url, migrations });
  return {
    ...store,
    async stop(signal) {
      await store.stop?.(signal);
      await dropDatabase(url);
    },
  };
}
