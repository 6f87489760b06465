import { type Kysely, sql } from 'kysely';

/**
 * The audit trail. Without a foreign key to users: an entry outlives whatever it speaks of.
 *
 * The triggers refuse every change of an entry, on both dialects in the same words: none may be written without
 * its time, and on MariaDB a trigger may not write to its own table at all.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('audit_logs')
    .addColumn('id', 'integer', (column) => column.primaryKey().autoIncrement())
    .addColumn('user_id', 'integer')
    .addColumn('user_role', 'varchar(16)')
    .addColumn('action', 'varchar(64)', (column) => column.notNull())
    .addColumn('resource_type', 'varchar(64)', (column) => column.notNull())
    .addColumn('resource_id', 'varchar(128)')
    .addColumn('details', 'text', (column) => column.notNull())
    .addColumn('ip_address', 'varchar(45)')
    .addColumn('request_id', 'varchar(128)')
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .execute();
  const indexes: Readonly<Record<string, readonly string[]>> = {
    audit_logs_by_time: ['created_at'],
    audit_logs_by_user: ['user_id', 'created_at'],
    audit_logs_by_action: ['action', 'created_at'],
    audit_logs_by_resource: ['resource_type', 'resource_id', 'created_at'],
    audit_logs_by_request: ['request_id'],
  };
  for (const [name, columns] of Object.entries(indexes)) {
    await db.schema
      .createIndex(name)
      .on('audit_logs')
      .columns([...columns])
      .execute();
  }
  for (const change of ['update', 'delete']) {
    await sql`
      create trigger if not exists ${sql.ref(`audit_logs_no_${change}`)} before ${sql.raw(change)} on audit_logs
      for each row begin
        insert into audit_logs (created_at) values (null);
      end`.execute(db);
  }
}
