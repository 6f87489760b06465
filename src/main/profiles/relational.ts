import { join } from 'node:path';
import { defined } from '#kernel/defined.ts';
import { type Logger, silentLogger } from '#kernel/logger.ts';
import type { MigrationSet, SqlStore } from '#platform/sql/sql.port.ts';
import type { SqliteHost } from '#platform/sqlite/sqlite-host.ts';
import type { Settings } from '../settings.ts';

/** The relational store: MariaDB, or SQLite in DATA_DIR. Also opened by commands that run beside the server. */
export async function createRelationalStore(
  settings: Settings,
  migrations: MigrationSet,
  logger: Logger = silentLogger,
  host?: SqliteHost,
): Promise<SqlStore> {
  if (settings.DATABASE_URL !== null) {
    const { createMariadbStore } = await import('#platform/sql/mariadb/mariadb.store.ts');
    return createMariadbStore({ url: settings.DATABASE_URL, migrations });
  }
  const { createSqliteStore } = await import('#platform/sql/sqlite.ts');
  const file = join(settings.DATA_DIR, 'core.db');
  return createSqliteStore({ file, migrations, logger, ...defined({ host }) });
}
