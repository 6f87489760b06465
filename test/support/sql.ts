import { mergeMigrations } from '#platform/sql/migrate.ts';
import type { MigrationSet, SqlStore } from '#platform/sql/sql.port.ts';
import { createSqliteStore } from '#platform/sql/sqlite.ts';

/** A started and migrated SQLite store in memory. The caller stops it. */
export async function createTestSql(...migrations: readonly MigrationSet[]): Promise<SqlStore> {
  const sql = createSqliteStore({ file: ':memory:', migrations: mergeMigrations(...migrations) });
  await sql.start?.(AbortSignal.timeout(10_000));
  await sql.migrate();
  return sql;
}
