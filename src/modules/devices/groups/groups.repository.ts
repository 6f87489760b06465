import { type Kysely, sql } from 'kysely';
import type { AuditTrail } from '#platform/audit/audit.port.ts';
import { readPage } from '#platform/sql/pages.port.ts';
import { containing, isLike, type SqlStore } from '#platform/sql/sql.port.ts';
import { deviceErrors } from '../devices.errors.ts';
import type { DeviceTables } from '../devices.tables.ts';
import type { GroupChanges, GroupStore, GroupWriter } from './groups.ports.ts';

const COLUMNS = ['id', 'name', 'description', 'created_at as createdAt', 'updated_at as updatedAt'] as const;

export function createGroupStore(store: SqlStore, audit: AuditTrail): GroupStore {
  const db = () => store.db<DeviceTables>();
  return {
    findById: (id) => findById(db(), id),
    async list({ q, ...asked }) {
      let matching = db().selectFrom('device_groups');
      if (q !== undefined) matching = matching.where(isLike(['name', 'description'], containing(q)));
      return await readPage(
        matching.select(COLUMNS),
        { ...asked, tie: { field: 'id', direction: 'asc' } },
        (row) => row,
      );
    },
    transaction: (work) =>
      store.transaction((trx: Kysely<DeviceTables>) => work(createGroupWriter(trx, store), audit.on(trx))),
  };
}

async function findById(db: Kysely<DeviceTables>, id: number) {
  return (await db.selectFrom('device_groups').select(COLUMNS).where('id', '=', id).executeTakeFirst()) ?? null;
}

function createGroupWriter(trx: Kysely<DeviceTables>, store: SqlStore): GroupWriter {
  function nameTaken(error: unknown): never {
    if (store.isUniqueViolation(error)) throw deviceErrors.device_group_name_taken({ cause: error });
    throw error;
  }

  return {
    findById: (id) => findById(trx, id),
    async insert({ name, description }, at) {
      const { insertId } = await trx
        .insertInto('device_groups')
        .values({ name, description, created_at: at, updated_at: at })
        .executeTakeFirstOrThrow()
        .catch(nameTaken);
      return Number(insertId);
    },
    async update(id, changes: GroupChanges, at) {
      await trx
        .updateTable('device_groups')
        .set({ ...changes, updated_at: at })
        .where('id', '=', id)
        .execute()
        .catch(nameTaken);
    },
    async hasDevices(id) {
      const device = await trx
        .selectFrom('devices')
        .select('id')
        .where('group_id', '=', id)
        .where('deleted_at', 'is', null)
        .limit(1)
        .executeTakeFirst();
      return device !== undefined;
    },
    async remove(id) {
      await trx
        .updateTable('devices')
        .set({ group_id: null, revision: sql`revision + 1` })
        .where('group_id', '=', id)
        .where('deleted_at', 'is not', null)
        .execute();
      try {
        await trx.deleteFrom('device_groups').where('id', '=', id).execute();
      } catch (error) {
        if (store.isForeignKeyViolation(error)) throw deviceErrors.device_group_in_use({ cause: error });
        throw error;
      }
    },
  };
}
