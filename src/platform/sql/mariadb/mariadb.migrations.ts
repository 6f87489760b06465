import {
  type AddColumnNode,
  CreateIndexNode,
  CreateTableNode,
  type Kysely,
  type KyselyPlugin,
  type Migration,
  MysqlAdapter,
  MysqlQueryCompiler,
  RawNode,
  type RootOperationNode,
  sql,
} from 'kysely';
import type { MigrationSet } from '../sql.port.ts';
import { databaseBusy } from './mariadb.errors.ts';

/**
 * Text compares by code point and a trailing blank counts, as in SQLite; where letters should not differ by
 * case, repositories say `lower(…)`. Said with every table, because a database may have been made by others.
 */
export const COLLATION = 'utf8mb4_nopad_bin';
export const TABLE_OPTIONS = `engine=InnoDB row_format=dynamic default charset=utf8mb4 collate=${COLLATION}`;

/**
 * MariaDB commits with every statement that changes the schema, so that a migration that was cut down is
 * there by half. Its tables, columns and indexes are made only where they are missing, so that it can run again; and
 * what it writes without changing the schema is one transaction.
 */
export function repeatable(migrations: MigrationSet): MigrationSet {
  return Object.fromEntries(
    Object.entries(migrations).map(([name, { up }]): [string, Pick<Migration, 'up'>] => [
      name,
      { up: (db: Kysely<unknown>) => db.transaction().execute((trx) => up(trx)) },
    ]),
  );
}

export const tablePlugin: KyselyPlugin = {
  transformQuery: ({ node }): RootOperationNode => {
    if (CreateIndexNode.is(node)) return { ...node, ifNotExists: true };
    if (!CreateTableNode.is(node)) return node;
    const endModifiers = [...(node.endModifiers ?? []), RawNode.createWithSql(TABLE_OPTIONS)];
    return { ...node, ifNotExists: true, endModifiers };
  },
  transformResult: async ({ result }) => result,
};

/** As the plugin for tables and indexes; Kysely has no word for it at a column. */
export class MariadbQueryCompiler extends MysqlQueryCompiler {
  protected override visitAddColumn(node: AddColumnNode): void {
    this.append('add column if not exists ');
    this.visitNode(node.column);
  }
}

const LOCK_TIMEOUT_SECONDS = 3_600;
/** Names of locks belong to the whole server, and have at most 64 characters. */
const LOCK = sql`concat('migrate ', md5(database()))`;

/** Kysely's own lock is one for all databases of a server, and a lock that was not got goes unnoticed. */
export class MariadbAdapter extends MysqlAdapter {
  override async acquireMigrationLock(db: Kysely<unknown>): Promise<void> {
    const { rows } = await sql<{
      got: number | null;
    }>`select get_lock(${LOCK}, ${LOCK_TIMEOUT_SECONDS}) as got`.execute(db);
    if (rows[0]?.got !== 1) throw databaseBusy(new Error('another process has been migrating for an hour'));
  }

  override async releaseMigrationLock(db: Kysely<unknown>): Promise<void> {
    await sql`select release_lock(${LOCK})`.execute(db);
  }
}
