import { type Kysely, sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { SqlStoreFactory } from './sql.contract.ts';
import type { MigrationSet, SqlRow, SqlStore, SqlTable } from './sql.port.ts';

/** Named so that the order of the names is not the order of the references. */
const SCHEMA: MigrationSet = {
  '2026_01_01_01_transfer': {
    async up(db: Kysely<unknown>) {
      await db.schema
        .createTable('zones')
        .addColumn('id', 'integer', (column) => column.primaryKey().autoIncrement())
        .addColumn('name', 'varchar(50)', (column) => column.notNull())
        .execute();
      await db.schema
        .createTable('members')
        .addColumn('zone_id', 'integer', (column) => column.notNull())
        .addColumn('code', 'varchar(50)', (column) => column.notNull())
        .addColumn('part', 'integer', (column) => column.notNull())
        .addColumn('big', 'bigint')
        .addColumn('ratio', 'double precision')
        .addColumn('note', 'text')
        .addColumn('bytes', 'blob')
        .addPrimaryKeyConstraint('members_pk', ['zone_id', 'code', 'part'])
        .addForeignKeyConstraint('members_zone', ['zone_id'], 'zones', ['id'])
        .execute();
    },
  },
};
const signal = () => AbortSignal.timeout(10_000);

/** What the `transfer` of every `SqlStore` does. */
export function sqlTransferContract(name: string, createFactory: () => Promise<SqlStoreFactory>): void {
  describe(`SqlTransfer: ${name}`, () => {
    let factory: SqlStoreFactory;
    let store: SqlStore;
    let zones: SqlTable;
    let members: SqlTable;

    beforeEach(async () => {
      factory = await createFactory();
      store = factory.create(SCHEMA);
      await store.start?.(signal());
      await store.migrate();
      [zones, members] = (await store.transfer.tables()) as [SqlTable, SqlTable];
    });
    afterEach(async () => {
      await store.stop?.(signal());
      await factory.dispose();
    });

    const member = (zone_id: number, code: string, part: number, more: SqlRow = {}): SqlRow => ({
      zone_id,
      code,
      part,
      big: null,
      ratio: null,
      note: null,
      bytes: null,
      ...more,
    });
    const zone = (id: number): SqlRow => ({ id, name: `zone ${id}` });
    async function write(table: SqlTable, ...rows: readonly SqlRow[]): Promise<void> {
      if ((await store.transfer.readNote()) === null) await store.transfer.writeNote('begun');
      await store.transfer.write(table, rows, 'written');
    }

    test('names every table, what is referred to first, with columns and key', () => {
      expect([zones, members]).toEqual([
        { name: 'zones', columns: ['id', 'name'], key: ['id'] },
        {
          name: 'members',
          columns: ['zone_id', 'code', 'part', 'big', 'ratio', 'note', 'bytes'],
          key: ['zone_id', 'code', 'part'],
        },
      ]);
    });

    test('a row comes back as it was written, with its id', async () => {
      await write(zones, zone(7));
      const row = member(7, "quote ' back \\ slash", 1, {
        big: 1_790_000_000_123,
        ratio: 0.1 + 0.2,
        note: '한글 😀 \n "text"',
        bytes: new Uint8Array([0, 255, 39, 92]),
      });
      await write(members, row);
      const found = (await store.transfer.read(members, null, 10))[0] as SqlRow;
      expect({ ...found, bytes: [...(found['bytes'] as Uint8Array)] }).toEqual({ ...row, bytes: [0, 255, 39, 92] });
      expect(await store.transfer.count(members)).toBe(1);
    });

    test('reads page by page in the order of a key of several columns', async () => {
      await write(zones, zone(1), zone(2));
      const expected = [
        member(1, 'A', 2),
        member(1, 'a', 1),
        member(1, 'a', 2),
        member(1, 'a ', 1),
        member(2, 'A', 1),
        member(2, '가', 1),
      ];
      await write(members, ...expected.toReversed());
      const seen: SqlRow[] = [];
      for (;;) {
        const last = seen.at(-1);
        const after = last === undefined ? null : members.key.map((column) => last[column] ?? null);
        const page = await store.transfer.read(members, after, 2);
        if (page.length === 0) break;
        seen.push(...page);
      }
      expect(seen).toEqual(expected);
    });

    test('writes more than one statement takes', async () => {
      await write(zones, zone(1));
      const text = 'x'.repeat(60_000);
      const rows = Array.from({ length: 60 }, (_, part) => member(1, 'large', part, { note: text }));
      await write(members, ...rows);
      await write(zones, ...Array.from({ length: 6_000 }, (_, index) => zone(index + 2)));
      expect(await store.transfer.count(members)).toBe(60);
      expect(await store.transfer.count(zones)).toBe(6_001);
    });

    test('rows and note are written together or not at all', async () => {
      await store.transfer.writeNote('begun');
      await store.transfer.write(zones, [zone(1)], 'one');
      expect(await store.transfer.readNote()).toBe('one');
      await expect(store.transfer.write(zones, [zone(2), zone(1)], 'two')).rejects.toThrow();
      await expect(store.transfer.write(members, [member(9, 'a', 1)], 'three')).rejects.toThrow();
      expect(await store.transfer.readNote()).toBe('one');
      expect(await store.transfer.read(zones, null, 10)).toEqual([zone(1)]);
    });

    test('a note stays until it is removed, is no table of the schema, and is replaced', async () => {
      expect(await store.transfer.readNote()).toBeNull();
      await store.transfer.removeNote();
      await store.transfer.writeNote('{"at":"첫째"}');
      await store.transfer.writeNote('{"at":"둘째"}');
      expect(await store.transfer.readNote()).toBe('{"at":"둘째"}');
      expect(await store.transfer.tables()).toEqual([zones, members]);
      await store.transfer.removeNote();
      expect(await store.transfer.readNote()).toBeNull();
    });

    test('counters go on where the other store was', async () => {
      const insert = async () =>
        Number(
          (await store.db<{ zones: { name: string } }>().insertInto('zones').values({ name: 'new' }).execute())[0]
            ?.insertId,
        );
      expect(await store.transfer.nextId(members)).toBeNull();
      expect(await store.transfer.nextId(zones)).toBe(1);
      await store.transfer.raiseNextId(zones, 40);
      expect(await store.transfer.nextId(zones)).toBe(40);
      expect(await insert()).toBe(40);
      await write(zones, zone(50));
      await store.transfer.raiseNextId(zones, 20);
      expect(await store.transfer.nextId(zones)).toBe(51);
      expect(await insert()).toBe(51);
    });

    test('clear removes everything', async () => {
      await write(zones, zone(1));
      await write(members, member(1, 'a', 1));
      await store.transfer.clear(await store.transfer.tables());
      expect(await store.transfer.count(members)).toBe(0);
      expect(await store.transfer.count(zones)).toBe(0);
    });

    test('a table without a primary key cannot be read in order, and is refused by name', async () => {
      await sql`create table loose (a integer)`.execute(store.db());
      await expect(store.transfer.tables()).rejects.toThrow('loose has no primary key');
    });
  });
}
