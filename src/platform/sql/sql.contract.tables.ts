import type { Generated, Kysely } from 'kysely';
import type { MigrationSet } from './sql.port.ts';

/** The tables of the suite after its second migration. */
export interface Tables {
  owners: { id: Generated<number>; name: string; active_name: string | null };
  things: {
    id: Generated<number>;
    owner_id: number;
    flag: number | boolean;
    note: string | null;
    big: number;
    ratio: number | null;
  };
}

export const FIRST: MigrationSet = {
  '2026_01_01_01_owners': {
    async up(db: Kysely<unknown>) {
      await db.schema
        .createTable('owners')
        .addColumn('id', 'integer', (column) => column.primaryKey().autoIncrement())
        .addColumn('name', 'varchar(50)', (column) => column.notNull())
        .addColumn('active_name', 'varchar(50)', (column) => column.unique())
        .execute();
    },
  },
};
export const SECOND: MigrationSet = {
  ...FIRST,
  '2026_01_01_02_things': {
    async up(db: Kysely<unknown>) {
      await db.schema
        .createTable('things')
        .addColumn('id', 'integer', (column) => column.primaryKey().autoIncrement())
        .addColumn('owner_id', 'integer', (column) => column.notNull())
        .addColumn('flag', 'smallint', (column) => column.notNull())
        .addColumn('note', 'varchar(50)')
        .addColumn('big', 'bigint', (column) => column.notNull())
        .addColumn('ratio', 'double precision')
        .addForeignKeyConstraint('things_owner', ['owner_id'], 'owners', ['id'])
        .execute();
    },
  },
};
