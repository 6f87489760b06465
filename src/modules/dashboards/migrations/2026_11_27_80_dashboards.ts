import type { Migration } from 'kysely';

/** `layout` and `widgets` are JSON; together they are shorter than a `text` of MariaDB may be. */
export const dashboards: Pick<Migration, 'up'> = {
  async up(db) {
    await db.schema
      .createTable('dashboards')
      .ifNotExists()
      .addColumn('id', 'integer', (column) => column.primaryKey().autoIncrement())
      .addColumn('name', 'varchar(100)', (column) => column.notNull())
      .addColumn('layout', 'text', (column) => column.notNull())
      .addColumn('widgets', 'text', (column) => column.notNull())
      .addColumn('widget_count', 'integer', (column) => column.notNull())
      .addColumn('shared', 'varchar(16)', (column) => column.notNull())
      .addColumn('owner_id', 'integer', (column) => column.notNull())
      .addColumn('created_at', 'bigint', (column) => column.notNull())
      .addColumn('updated_at', 'bigint', (column) => column.notNull())
      .addForeignKeyConstraint('dashboards_owner_fk', ['owner_id'], 'users', ['id'])
      .execute();
    const indexes: readonly (readonly [name: string, columns: readonly string[]])[] = [
      ['dashboards_owner', ['owner_id', 'shared']],
      ['dashboards_shared', ['shared']],
    ];
    for (const [name, columns] of indexes) {
      await db.schema
        .createIndex(name)
        .ifNotExists()
        .on('dashboards')
        .columns([...columns])
        .execute();
    }
  },
};
