import { type Migration, sql } from 'kysely';

export const commands: Pick<Migration, 'up'> = {
  async up(db) {
    await db.schema
      .createTable('commands')
      .ifNotExists()
      .addColumn('id', 'integer', (column) => column.primaryKey().autoIncrement())
      .addColumn('command_id', 'varchar(36)', (column) => column.notNull())
      .addColumn('device_id', 'integer', (column) => column.notNull())
      .addColumn('device_uid', 'varchar(64)', (column) => column.notNull())
      .addColumn('command', 'varchar(64)', (column) => column.notNull())
      // JSON.
      .addColumn('params', 'text', (column) => column.notNull())
      .addColumn('deliver', 'varchar(16)', (column) => column.notNull())
      .addColumn('status', 'varchar(16)', (column) => column.notNull())
      .addColumn('is_open', 'integer', (column) => column.notNull())
      .addColumn('progress', 'double precision')
      // JSON: written out, numbers may be longer than in the message.
      .addColumn('result', sql`mediumtext`)
      .addColumn('error', 'text')
      .addColumn('batch_id', 'varchar(36)')
      .addColumn('idempotency_key', 'varchar(64)')
      .addColumn('request_hash', 'varchar(64)')
      // JSON: [{status, at}].
      .addColumn('history', 'text', (column) => column.notNull())
      .addColumn('sends', 'integer', (column) => column.notNull())
      .addColumn('last_sent_at', 'bigint')
      .addColumn('sent_at', 'bigint')
      .addColumn('delivered_at', 'bigint')
      .addColumn('completed_at', 'bigint')
      .addColumn('expires_at', 'bigint', (column) => column.notNull())
      .addColumn('created_by', 'integer')
      .addColumn('created_at', 'bigint', (column) => column.notNull())
      .addColumn('updated_at', 'bigint', (column) => column.notNull())
      .addForeignKeyConstraint('commands_device_fk', ['device_id'], 'devices', ['id'])
      .addForeignKeyConstraint('commands_creator_fk', ['created_by'], 'users', ['id'])
      .execute();
    const indexes: readonly (readonly [name: string, columns: readonly string[], isUnique?: true])[] = [
      ['commands_command_id', ['command_id'], true],
      ['commands_idempotency_key', ['idempotency_key'], true],
      ['commands_open', ['device_id', 'is_open', 'id']],
      ['commands_expiry', ['is_open', 'expires_at']],
      ['commands_waiting', ['status', 'device_id']],
      ['commands_batch', ['batch_id', 'status']],
      ['commands_age', ['is_open', 'created_at']],
    ];
    for (const [name, columns, isUnique] of indexes) {
      const index = db.schema
        .createIndex(name)
        .ifNotExists()
        .on('commands')
        .columns([...columns]);
      await (isUnique === true ? index.unique() : index).execute();
    }
    await db.schema
      .createTable('command_batches')
      .ifNotExists()
      .addColumn('batch_id', 'varchar(36)', (column) => column.primaryKey())
      // JSON.
      .addColumn('target', 'text', (column) => column.notNull())
      .addColumn('command', 'varchar(64)', (column) => column.notNull())
      .addColumn('params', 'text', (column) => column.notNull())
      .addColumn('deliver', 'varchar(16)', (column) => column.notNull())
      .addColumn('after_id', 'integer', (column) => column.notNull())
      .addColumn('is_done', 'integer', (column) => column.notNull())
      .addColumn('expires_at', 'bigint', (column) => column.notNull())
      .addColumn('created_by', 'integer')
      .addColumn('created_at', 'bigint', (column) => column.notNull())
      .addColumn('updated_at', 'bigint', (column) => column.notNull())
      .execute();
    await db.schema
      .createIndex('command_batches_open')
      .ifNotExists()
      .on('command_batches')
      .columns(['is_done', 'created_at'])
      .execute();
  },
};
