import type { Migration } from 'kysely';

export const firmware: Pick<Migration, 'up'> = {
  async up(db) {
    await db.schema
      .createTable('firmware')
      .ifNotExists()
      .addColumn('id', 'integer', (column) => column.primaryKey().autoIncrement())
      .addColumn('device_type', 'varchar(64)', (column) => column.notNull())
      .addColumn('version', 'varchar(64)', (column) => column.notNull())
      .addColumn('sequence', 'integer', (column) => column.notNull())
      .addColumn('size', 'bigint', (column) => column.notNull())
      .addColumn('sha256', 'varchar(64)', (column) => column.notNull())
      .addColumn('sha1', 'varchar(40)', (column) => column.notNull())
      .addColumn('md5', 'varchar(32)', (column) => column.notNull())
      .addColumn('notes', 'text')
      .addColumn('signature', 'varchar(128)', (column) => column.notNull())
      .addColumn('key_id', 'varchar(64)', (column) => column.notNull())
      .addColumn('not_after', 'bigint')
      .addColumn('blob_id', 'varchar(64)', (column) => column.notNull())
      .addColumn('created_by', 'integer')
      .addColumn('created_at', 'bigint', (column) => column.notNull())
      .addColumn('updated_at', 'bigint', (column) => column.notNull())
      .addForeignKeyConstraint('firmware_creator_fk', ['created_by'], 'users', ['id'])
      .execute();
    const indexes: readonly (readonly [name: string, columns: readonly string[], isUnique?: true])[] = [
      ['firmware_version', ['device_type', 'version'], true],
      ['firmware_sequence', ['device_type', 'sequence'], true],
      ['firmware_blob', ['blob_id']],
    ];
    for (const [name, columns, isUnique] of indexes) {
      const index = db.schema
        .createIndex(name)
        .ifNotExists()
        .on('firmware')
        .columns([...columns]);
      await (isUnique === true ? index.unique() : index).execute();
    }
    // Never falls, also when the newest image is deleted.
    await db.schema
      .createTable('firmware_sequences')
      .ifNotExists()
      .addColumn('device_type', 'varchar(64)', (column) => column.primaryKey())
      .addColumn('sequence', 'integer', (column) => column.notNull())
      .addColumn('created_at', 'bigint', (column) => column.notNull())
      .addColumn('updated_at', 'bigint', (column) => column.notNull())
      .execute();
    await db.schema
      .createTable('firmware_keys')
      .ifNotExists()
      .addColumn('key_id', 'varchar(64)', (column) => column.primaryKey())
      .addColumn('public_key', 'varchar(128)', (column) => column.notNull())
      .addColumn('name', 'varchar(100)', (column) => column.notNull())
      .addColumn('created_by', 'integer')
      .addColumn('created_at', 'bigint', (column) => column.notNull())
      .addColumn('updated_at', 'bigint', (column) => column.notNull())
      .execute();
  },
};
