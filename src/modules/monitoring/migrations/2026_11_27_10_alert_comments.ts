import type { Migration } from 'kysely';

/** What people said about an alert. A comment goes with its alert. */
export const alertComments: Pick<Migration, 'up'> = {
  async up(db) {
    await db.schema
      .createTable('alert_comments')
      .addColumn('id', 'integer', (column) => column.primaryKey().autoIncrement())
      .addColumn('alert_id', 'integer', (column) => column.notNull())
      .addColumn('author_id', 'integer', (column) => column.notNull())
      .addColumn('body', 'text', (column) => column.notNull())
      .addColumn('created_at', 'bigint', (column) => column.notNull())
      .addColumn('updated_at', 'bigint', (column) => column.notNull())
      .addForeignKeyConstraint('alert_comments_alert_fk', ['alert_id'], 'alerts', ['id'])
      .addForeignKeyConstraint('alert_comments_author_fk', ['author_id'], 'users', ['id'])
      .execute();
    await db.schema
      .createIndex('alert_comments_alert_index')
      .on('alert_comments')
      .columns(['alert_id', 'id'])
      .execute();
  },
};

/** NULL: nobody. Users are marked as deleted, never removed, so the id stays valid without a foreign key. */
export const alertAssignee: Pick<Migration, 'up'> = {
  async up(db) {
    await db.schema.alterTable('alerts').addColumn('assigned_to', 'integer').execute();
  },
};

/** How many comments there are, beside the alert: a list shows it, and the limit is kept by one UPDATE. */
export const alertCommentCount: Pick<Migration, 'up'> = {
  async up(db) {
    await db.schema
      .alterTable('alerts')
      .addColumn('comment_count', 'integer', (column) => column.notNull().defaultTo(0))
      .execute();
  },
};
