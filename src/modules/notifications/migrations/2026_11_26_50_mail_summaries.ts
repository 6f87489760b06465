import type { Migration } from 'kysely';

/** What is to be told by e-mail: one row for each e-mail, which goes out at `due_at`. */
export const mailSummaries: Pick<Migration, 'up'> = {
  async up(db) {
    await db.schema
      .createTable('mail_summaries')
      .addColumn('user_id', 'integer', (column) => column.notNull())
      .addColumn('topic', 'varchar(64)', (column) => column.notNull())
      .addColumn('due_at', 'bigint', (column) => column.notNull())
      // JSON: what is told, the first of it.
      .addColumn('items', 'text', (column) => column.notNull())
      // How many more there were.
      .addColumn('more', 'integer', (column) => column.notNull())
      // When it was made an e-mail: nothing joins it any more. NULL until then.
      .addColumn('closed_at', 'bigint')
      .addColumn('created_at', 'bigint', (column) => column.notNull())
      .addColumn('updated_at', 'bigint', (column) => column.notNull())
      .addPrimaryKeyConstraint('mail_summaries_pk', ['user_id', 'topic', 'due_at'])
      .execute();
    await db.schema.createIndex('mail_summaries_closed_index').on('mail_summaries').column('closed_at').execute();
  },
};
