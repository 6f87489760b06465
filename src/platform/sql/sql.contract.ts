import { type Kysely, sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { isAppError } from '#kernel/errors.ts';
import { FIRST, SECOND, type Tables } from './sql.contract.tables.ts';
import type { MigrationSet, SqlStore } from './sql.port.ts';

export interface SqlStoreFactory {
  /** A store on one and the same database, empty at first; not started. */
  create(migrations: MigrationSet): SqlStore;
  /** Removes the database. */
  dispose(): Promise<void>;
}

const signal = () => AbortSignal.timeout(10_000);

/** What every `SqlStore` does. */
export function sqlStoreContract(name: string, createFactory: () => Promise<SqlStoreFactory>): void {
  describe(`SqlStore: ${name}`, () => {
    let factory: SqlStoreFactory;
    let running: SqlStore[];

    async function open(migrations: MigrationSet): Promise<SqlStore> {
      const store = factory.create(migrations);
      await store.start?.(signal());
      running.push(store);
      return store;
    }
    async function migrated(): Promise<SqlStore> {
      const store = await open(SECOND);
      await store.migrate();
      return store;
    }
    const addOwner = (db: Kysely<Tables>, owner: string, active: string | null = owner) =>
      db.insertInto('owners').values({ name: owner, active_name: active }).executeTakeFirstOrThrow();
    const countOwners = async (db: Kysely<Tables>) => {
      const { total } = await db
        .selectFrom('owners')
        .select((eb) => eb.fn.countAll().as('total'))
        .executeTakeFirstOrThrow();
      return Number(total);
    };

    beforeEach(async () => {
      running = [];
      factory = await createFactory();
    });
    afterEach(async () => {
      for (const store of running) await store.stop?.(signal());
      await factory.dispose();
    });

    describe('migrate', () => {
      test('runs what has not run yet, in the order of the names, once', async () => {
        const first = await open(FIRST);
        expect(await first.migrate()).toEqual(['2026_01_01_01_owners']);
        expect(await first.migrate()).toEqual([]);
        await addOwner(first.db(), 'kept');
        const second = await open(SECOND);
        expect(await second.migrate()).toEqual(['2026_01_01_02_things']);
        expect(await second.migrate()).toEqual([]);
        expect(await countOwners(second.db())).toBe(1);
      });

      test('from nothing in one go', async () => {
        const store = await open(SECOND);
        expect(await store.migrate()).toEqual(['2026_01_01_01_owners', '2026_01_01_02_things']);
      });

      test('says what would run, without running it', async () => {
        const store = await open(SECOND);
        expect(await store.pending()).toEqual(['2026_01_01_01_owners', '2026_01_01_02_things']);
        expect(await store.migrate()).toHaveLength(2);
        expect(await store.pending()).toEqual([]);
        await expect((await open(FIRST)).pending()).rejects.toMatchObject({
          kind: 'unavailable',
          message: expect.stringContaining('newer version'),
        });
        expect(await store.version()).toMatch(/^[A-Z][A-Za-z]+ \d+\.\d+/);
      });

      test('refuses a schema that is newer than the program, with a clear error, and changes nothing', async () => {
        const newer = await migrated();
        await addOwner(newer.db(), 'kept');
        const older = await open(FIRST);
        const error = await older.migrate().catch((thrown: unknown) => thrown);
        expect(isAppError(error)).toBe(true);
        expect(error).toMatchObject({ kind: 'unavailable', message: expect.stringContaining('newer version') });
        expect(await countOwners(newer.db())).toBe(1);
      });

      test('one that fails leaves nothing behind and says why', async () => {
        const broken: MigrationSet = {
          ...FIRST,
          '2026_01_01_02_broken': {
            async up(db: Kysely<unknown>) {
              await (db as Kysely<Tables>).insertInto('owners').values({ name: 'half', active_name: null }).execute();
              throw new Error('this migration is broken');
            },
          },
        };
        const store = await open(FIRST);
        await store.migrate();
        const failing = await open(broken);
        await expect(failing.migrate()).rejects.toThrow('this migration is broken');
        expect(await countOwners(store.db())).toBe(0);
        const repaired = await open(SECOND);
        expect(await repaired.migrate()).toEqual(['2026_01_01_02_things']);
      });
    });

    describe('transaction', () => {
      test('commits what it did and returns its result', async () => {
        const store = await migrated();
        const id = await store.transaction<Tables, number>(async (db) => Number((await addOwner(db, 'a')).insertId));
        expect(await store.db<Tables>().selectFrom('owners').select(['id', 'name']).execute()).toEqual([
          { id, name: 'a' },
        ]);
      });

      test('that is for soon commits, rolls back and takes its turn like any other', async () => {
        const store = await migrated();
        const add = async (db: Kysely<Tables>) => void (await addOwner(db, String(await countOwners(db))));
        const fail = async (db: Kysely<Tables>) => add(db).then(() => Promise.reject(new Error('changed my mind')));
        const all = [store.transaction(add, 'soon'), store.transaction(add), store.transaction(fail, 'soon')];
        const outcomes = await Promise.allSettled([...all, store.transaction(add), store.transaction(add, 'soon')]);
        expect(outcomes.map(({ status }) => status === 'fulfilled')).toEqual([true, true, false, true, true]);
        const owners = await store.db<Tables>().selectFrom('owners').select('name').orderBy('name').execute();
        expect(owners.map(({ name }) => name)).toEqual(['0', '1', '2', '3']);
      });

      test('rolls back when the work throws, and throws what it threw', async () => {
        const store = await migrated();
        const reason = new Error('changed my mind');
        const work = store.transaction<Tables, void>(async (db) => {
          await addOwner(db, 'a');
          throw reason;
        });
        await expect(work).rejects.toBe(reason);
        expect(await countOwners(store.db())).toBe(0);
      });

      test('rolls back when a query fails, and the store goes on', async () => {
        const store = await migrated();
        await addOwner(store.db(), 'taken');
        const work = store.transaction<Tables, void>(async (db) => {
          await addOwner(db, 'before');
          await addOwner(db, 'taken');
        });
        await expect(work).rejects.toSatisfy(store.isUniqueViolation);
        expect(await countOwners(store.db())).toBe(1);
        await store.transaction<Tables, void>(async (db) => void (await addOwner(db, 'after')));
        expect(await countOwners(store.db())).toBe(2);
      });

      test('many at once happen one after the other: read, then write, loses nothing', async () => {
        const store = await migrated();
        const { insertId } = await addOwner(store.db(), '0');
        await Promise.all(
          Array.from({ length: 20 }, () =>
            store.transaction<Tables, void>(async (db) => {
              const owner = await db
                .selectFrom('owners')
                .select('name')
                .where('id', '=', Number(insertId))
                .executeTakeFirstOrThrow();
              await db
                .updateTable('owners')
                .set({ name: String(Number(owner.name) + 1) })
                .where('id', '=', Number(insertId))
                .execute();
            }),
          ),
        );
        expect(await store.db<Tables>().selectFrom('owners').select('name').execute()).toEqual([{ name: '20' }]);
      });
    });

    describe('constraints', () => {
      test('a unique violation is known as one, and only that', async () => {
        const store = await migrated();
        await addOwner(store.db(), 'a');
        const error = await addOwner(store.db(), 'a').catch((thrown: unknown) => thrown);
        expect(store.isUniqueViolation(error)).toBe(true);
        expect(store.isForeignKeyViolation(error)).toBe(false);
      });

      test('so is a primary key that exists', async () => {
        const store = await migrated();
        const insert = () =>
          store.db<Tables>().insertInto('owners').values({ id: 7, name: 'a', active_name: null }).execute();
        await insert();
        await expect(insert()).rejects.toSatisfy(store.isUniqueViolation);
      });

      test('NULL is not a duplicate of NULL: a freed name can be used again', async () => {
        const store = await migrated();
        const db = store.db<Tables>();
        await addOwner(db, 'a');
        await db.updateTable('owners').set({ active_name: null }).execute();
        await addOwner(db, 'a');
        await db.updateTable('owners').set({ active_name: null }).execute();
        await addOwner(db, 'a');
        expect(await countOwners(db)).toBe(3);
      });

      test('a foreign key violation is known as one, on insert and on delete', async () => {
        const store = await migrated();
        const db = store.db<Tables>();
        const thing = (owner_id: number) => ({ owner_id, flag: 0, note: null, big: 0, ratio: null });
        const error = await db
          .insertInto('things')
          .values(thing(99))
          .execute()
          .catch((thrown: unknown) => thrown);
        expect(store.isForeignKeyViolation(error)).toBe(true);
        expect(store.isUniqueViolation(error)).toBe(false);
        const { insertId } = await addOwner(db, 'a');
        await db
          .insertInto('things')
          .values(thing(Number(insertId)))
          .execute();
        await expect(db.deleteFrom('owners').execute()).rejects.toSatisfy(store.isForeignKeyViolation);
      });

      test('anything else is neither', async () => {
        const store = await migrated();
        for (const other of [new Error('x'), null, undefined, 'x', { errcode: '1' }]) {
          expect(store.isUniqueViolation(other)).toBe(false);
          expect(store.isForeignKeyViolation(other)).toBe(false);
        }
        const missing = await store
          .db<{ nothing: { id: number } }>()
          .selectFrom('nothing')
          .selectAll()
          .execute()
          .catch((thrown: unknown) => thrown);
        expect(missing).toBeInstanceOf(Error);
        expect(store.isUniqueViolation(missing)).toBe(false);
      });
    });

    test('booleans become 0 and 1, null stays, instants and text keep their value', async () => {
      const store = await migrated();
      const db = store.db<Tables>();
      const owner_id = Number((await addOwner(db, 'a')).insertId);
      const now = Date.UTC(2286, 10, 20, 17, 46, 39, 999);
      const text = "it's %_ 'quoted' 🙂 한국어";
      await db
        .insertInto('things')
        .values([
          { owner_id, flag: true, note: null, big: now, ratio: 0.1 },
          { owner_id, flag: false, note: text, big: -1, ratio: null },
        ])
        .execute();
      expect(await db.selectFrom('things').select(['flag', 'note', 'big', 'ratio']).orderBy('id').execute()).toEqual([
        { flag: 1, note: null, big: now, ratio: 0.1 },
        { flag: 0, note: text, big: -1, ratio: null },
      ]);
      const found = await db.selectFrom('things').select('note').where('flag', '=', false).execute();
      expect(found).toEqual([{ note: text }]);
    });

    test('compares text by its characters: case, accents and trailing blanks count', async () => {
      const store = await migrated();
      const db = store.db<Tables>();
      const names = ['Z', 'a', 'A', 'a ', 'ä', 'é', 'e', '🙂', '가'];
      for (const name of names) await addOwner(db, name);
      const sorted = await db.selectFrom('owners').select('name').orderBy('name').execute();
      expect(sorted.map(({ name }) => name)).toEqual(['A', 'Z', 'a', 'a ', 'e', 'ä', 'é', '가', '🙂']);
      expect(await db.selectFrom('owners').select('name').where('active_name', '=', 'a').execute()).toEqual([
        { name: 'a' },
      ]);
    });

    test('lower() makes every letter small, and LIKE escapes what is said to', async () => {
      const store = await migrated();
      const db = store.db<Tables>();
      for (const name of ['ÄRGER 100%', 'ärger 1000', 'other', 'a_b', 'A\\B', "it's"]) await addOwner(db, name);
      const find = async (text: string) => {
        const pattern = `%${text.replace(/[!%_]/g, '!$&')}%`;
        const rows = await db
          .selectFrom('owners')
          .select('name')
          .where(sql<boolean>`lower(name) like lower(${pattern}) escape '!'`)
          .orderBy('id')
          .execute();
        return rows.map(({ name }) => name);
      };
      expect(await find('Ärger')).toEqual(['ÄRGER 100%', 'ärger 1000']);
      expect(await find('100%')).toEqual(['ÄRGER 100%']);
      expect(await find('_')).toEqual(['a_b']);
      expect(await find('a\\b')).toEqual(['A\\B']);
      expect(await find("'")).toEqual(["it's"]);
      expect(await find('!')).toEqual([]);
    });

    test('NULL comes first in ascending order and last in descending', async () => {
      const store = await migrated();
      const db = store.db<Tables>();
      for (const active of ['b', null, 'a']) await addOwner(db, String(active), active);
      const order = async (direction: 'asc' | 'desc') =>
        (await db.selectFrom('owners').select('active_name').orderBy('active_name', direction).execute()).map(
          (row) => row.active_name,
        );
      expect(await order('asc')).toEqual([null, 'a', 'b']);
      expect(await order('desc')).toEqual(['b', 'a', null]);
    });

    test('columns in an update mean their values before it', async () => {
      const store = await migrated();
      const db = store.db<Tables>();
      await addOwner(db, 'old', 'other');
      await db
        .updateTable('owners')
        .set((eb) => ({ name: eb.ref('active_name').$castTo<string>(), active_name: eb.ref('name') }))
        .execute();
      expect(await db.selectFrom('owners').select(['name', 'active_name']).execute()).toEqual([
        { name: 'other', active_name: 'old' },
      ]);
    });

    test('counts, sums and exact large numbers are numbers', async () => {
      const store = await migrated();
      const db = store.db<Tables>();
      const owner_id = Number((await addOwner(db, 'a')).insertId);
      const big = Number.MAX_SAFE_INTEGER;
      await db.insertInto('things').values({ owner_id, flag: 1, note: null, big, ratio: 1.5 }).execute();
      const row = await db
        .selectFrom('things')
        .select((eb) => [
          eb.fn.countAll().as('count'),
          eb.fn.max('big').as('max'),
          eb.fn.sum('flag').as('sum'),
          eb.fn.avg('ratio').as('avg'),
        ])
        .executeTakeFirstOrThrow();
      expect(row).toEqual({ count: 1, max: big, sum: 1, avg: 1.5 });
    });

    test('an update that changes nothing has met its row', async () => {
      const store = await migrated();
      const db = store.db<Tables>();
      await addOwner(db, 'a');
      const { numUpdatedRows } = await db.updateTable('owners').set({ name: 'a' }).executeTakeFirstOrThrow();
      expect(Number(numUpdatedRows)).toBe(1);
    });

    test('says how many rows an update and a delete met', async () => {
      const store = await migrated();
      const db = store.db<Tables>();
      await addOwner(db, 'a');
      await addOwner(db, 'b');
      const updated = await db.updateTable('owners').set({ name: 'c' }).executeTakeFirstOrThrow();
      expect(Number(updated.numUpdatedRows)).toBe(2);
      const removed = await db.deleteFrom('owners').where('active_name', '=', 'a').executeTakeFirstOrThrow();
      expect(Number(removed.numDeletedRows)).toBe(1);
    });

    test('a change token is another one after every write, whoever wrote; or there is none', async () => {
      const store = await migrated();
      const other = await migrated();
      const seen = new Set<string>();
      const first = store.changeToken();
      if (first === null) return;
      seen.add(first);
      await store.db<Tables>().selectFrom('owners').selectAll().execute();
      expect(store.changeToken()).toBe(first);
      const writes: readonly (() => Promise<unknown>)[] = [
        () => addOwner(store.db<Tables>(), 'a'),
        () => addOwner(other.db<Tables>(), 'b'),
        () => store.db<Tables>().updateTable('owners').set({ name: 'c' }).execute(),
        () => other.transaction<Tables, unknown>((db) => db.deleteFrom('owners').where('name', '=', 'c').execute()),
      ];
      for (const write of writes) {
        await write();
        const token = store.changeToken();
        expect(token).not.toBeNull();
        expect(seen.has(String(token))).toBe(false);
        seen.add(String(token));
        expect(store.changeToken()).toBe(token);
      }
    });

    test('answers a ping; before the start and after the stop it throws', async () => {
      const store = factory.create(FIRST);
      expect(() => store.db()).toThrow();
      await store.start?.(signal());
      await store.ping();
      await store.stop?.(signal());
      await store.stop?.(signal());
      await expect(store.ping()).rejects.toThrow();
    });
  });
}
