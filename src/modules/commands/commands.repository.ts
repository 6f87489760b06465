import type { Insertable, Kysely, Selectable } from 'kysely';
import { several } from '#kernel/pagination.ts';
import type { AuditTrail } from '#platform/audit/audit.port.ts';
import { readPage } from '#platform/sql/pages.port.ts';
import { containing, isLike, type SqlStore } from '#platform/sql/sql.port.ts';
import {
  type Command,
  type CommandBatch,
  type CommandFilter,
  type CommandReader,
  type CommandStore,
  type CommandUpdate,
  type CommandWriter,
  MAX_OPEN,
  type NewCommand,
} from './commands.ports.ts';
import { isOpen } from './commands.rules.ts';
import type { CommandBatchesTable, CommandsTable, CommandTables } from './commands.tables.ts';

type Db = Kysely<CommandTables>;

export function createCommandStore(store: SqlStore, audit: AuditTrail): CommandStore {
  const db = () => store.db<CommandTables>();
  return {
    findById: (commandId) => reader(db()).findById(commandId),
    findMany: (commandIds) => reader(db()).findMany(commandIds),
    listOpen: (deviceId) => reader(db()).listOpen(deviceId),
    list: ({ filter, ...asked }) =>
      readPage(filtered(db(), filter).selectAll(), { ...asked, tie: { field: 'id', direction: 'desc' } }, toCommand),
    async countByState(filter) {
      const rows = await filtered(db(), filter)
        .select((eb) => ['status', eb.fn.countAll<number>().as('count')])
        .groupBy('status')
        .execute();
      return Object.fromEntries(rows.map(({ status, count }) => [status, Number(count)]));
    },
    listWaiting: async (since, afterId, limit) =>
      await db()
        .selectFrom('commands')
        .select(['device_id as deviceId', 'device_uid as deviceUid'])
        .where('status', '=', 'QUEUED')
        .where('device_id', '>', afterId)
        .where('created_at', '>=', since)
        .groupBy(['device_id', 'device_uid'])
        .orderBy('device_id')
        .limit(limit)
        .execute(),
    async listUnfinishedBatches(before, limit) {
      const rows = await db()
        .selectFrom('command_batches')
        .select('batch_id')
        .where('is_done', '=', 0)
        .where('created_at', '<', before)
        .orderBy('created_at')
        .limit(limit)
        .execute();
      return rows.map(({ batch_id }) => batch_id);
    },
    removeEndedBefore: (before, limit) =>
      store.transaction(async (trx: Db) => {
        const rows = await trx
          .selectFrom('commands')
          .select('id')
          .where('is_open', '=', 0)
          .where('created_at', '<', before)
          .limit(limit)
          .execute();
        const ids = rows.map(({ id }) => id);
        if (ids.length > 0) await trx.deleteFrom('commands').where('id', 'in', ids).execute();
        await trx.deleteFrom('command_batches').where('is_done', '=', 1).where('created_at', '<', before).execute();
        return ids.length;
      }),
    async nextExpiry() {
      const row = await db()
        .selectFrom('commands')
        .select('expires_at')
        .where('is_open', '=', 1)
        .orderBy('expires_at')
        .limit(1)
        .executeTakeFirst();
      return row?.expires_at ?? null;
    },
    transaction: (work, durability) =>
      store.transaction((trx: Db) => work(createWriter(trx), audit.on(trx)), durability),
  };
}

function reader(db: Db): CommandReader {
  return {
    async findById(commandId) {
      const row = await db.selectFrom('commands').selectAll().where('command_id', '=', commandId).executeTakeFirst();
      return row === undefined ? null : toCommand(row);
    },
    async findMany(commandIds) {
      if (commandIds.length === 0) return [];
      const rows = await db
        .selectFrom('commands')
        .selectAll()
        .where('command_id', 'in', [...commandIds])
        .execute();
      return rows.map(toCommand);
    },
    async listOpen(deviceId) {
      const rows = await db
        .selectFrom('commands')
        .selectAll()
        .where('device_id', '=', deviceId)
        .where('is_open', '=', 1)
        .orderBy('id')
        .limit(MAX_OPEN)
        .execute();
      return rows.map(toCommand);
    },
  };
}

function createWriter(trx: Db): CommandWriter {
  const read = reader(trx);
  return {
    ...read,
    async insert(commands) {
      if (commands.length === 0) return [];
      await trx.insertInto('commands').values(commands.map(toRow)).execute();
      const stored = new Map(
        (await read.findMany(commands.map(({ commandId }) => commandId))).map((each) => [each.commandId, each]),
      );
      return commands.flatMap(({ commandId }) => stored.get(commandId) ?? []);
    },
    async findByKey(key) {
      const row = await trx.selectFrom('commands').selectAll().where('idempotency_key', '=', key).executeTakeFirst();
      return row === undefined ? null : { command: toCommand(row), request: row.request_hash ?? '' };
    },
    async countOpen(deviceId) {
      return (await countOpen(trx, [deviceId])).get(deviceId) ?? 0;
    },
    countOpenOf: (deviceIds) => countOpen(trx, deviceIds),
    async update(command, changes, at) {
      const after = { ...command, ...changes };
      await trx
        .updateTable('commands')
        .set({ ...toColumns(after), updated_at: at })
        .where('id', '=', command.id)
        .execute();
      return after;
    },
    async listOpenNamed(deviceIds, command) {
      if (deviceIds.length === 0) return [];
      const rows = await trx
        .selectFrom('commands')
        .selectAll()
        .where('device_id', 'in', [...deviceIds])
        .where('is_open', '=', 1)
        .where('command', '=', command)
        .execute();
      return rows.map(toCommand);
    },
    async listExpired(at, limit) {
      const rows = await trx
        .selectFrom('commands')
        .selectAll()
        .where('is_open', '=', 1)
        .where('expires_at', '<=', at)
        .orderBy('expires_at')
        .limit(limit)
        .execute();
      return rows.map(toCommand);
    },
    async insertBatch({ batchId, target, params, deliver, ...batch }) {
      await trx
        .insertInto('command_batches')
        .values({
          batch_id: batchId,
          target: JSON.stringify(target),
          command: batch.command,
          params: JSON.stringify(params),
          deliver,
          after_id: batch.afterId,
          is_done: Number(batch.isDone),
          expires_at: batch.expiresAt,
          created_by: batch.createdBy,
          created_at: batch.createdAt,
          updated_at: batch.createdAt,
        })
        .execute();
    },
    async findBatch(batchId) {
      const row = await trx
        .selectFrom('command_batches')
        .selectAll()
        .where('batch_id', '=', batchId)
        .executeTakeFirst();
      return row === undefined ? null : toBatch(row);
    },
    async advanceBatch(batchId, afterId, isDone) {
      await trx
        .updateTable('command_batches')
        .set({ after_id: afterId, is_done: Number(isDone) })
        .where('batch_id', '=', batchId)
        .execute();
    },
  };
}

async function countOpen(db: Db, deviceIds: readonly number[]): Promise<ReadonlyMap<number, number>> {
  if (deviceIds.length === 0) return new Map();
  const rows = await db
    .selectFrom('commands')
    .select((eb) => ['device_id', eb.fn.countAll<number>().as('count')])
    .where('device_id', 'in', [...deviceIds])
    .where('is_open', '=', 1)
    .groupBy('device_id')
    .execute();
  return new Map(rows.map(({ device_id, count }) => [device_id, Number(count)]));
}

/** Free text is looked for among so many. */
const SEARCHED = 10_000;

function filtered(db: Db, filter: CommandFilter) {
  const matching = matchingAll(db, filter);
  if (filter.q === undefined) return matching;
  const newest = matching.selectAll().orderBy('id', 'desc').limit(SEARCHED);
  return db
    .selectFrom(newest.as('commands'))
    .where(isLike(['command', 'device_uid', 'error'], containing(filter.q))) as typeof matching;
}

function matchingAll(db: Db, { deviceId, batchId, status, command }: CommandFilter) {
  let query = db.selectFrom('commands');
  if (deviceId !== undefined) query = query.where('device_id', 'in', several(deviceId));
  if (batchId !== undefined) query = query.where('batch_id', 'in', several(batchId));
  if (status !== undefined) query = query.where('status', 'in', several(status));
  if (command !== undefined) query = query.where('command', 'in', several(command));
  return query;
}

function toRow({ idempotency, ...command }: NewCommand): Insertable<CommandsTable> {
  const history = [{ status: 'QUEUED', at: command.createdAt }];
  if (command.status === 'REJECTED') history.push({ status: 'REJECTED', at: command.createdAt });
  return {
    command_id: command.commandId,
    device_id: command.deviceId,
    device_uid: command.deviceUid,
    command: command.command,
    params: JSON.stringify(command.params),
    deliver: command.deliver,
    status: command.status,
    is_open: Number(isOpen(command.status)),
    progress: null,
    result: null,
    error: command.error,
    batch_id: command.batchId,
    idempotency_key: idempotency?.key ?? null,
    request_hash: idempotency?.request ?? null,
    history: JSON.stringify(history),
    sends: 0,
    last_sent_at: null,
    sent_at: null,
    delivered_at: null,
    completed_at: isOpen(command.status) ? null : command.createdAt,
    expires_at: command.expiresAt,
    created_by: command.createdBy,
    created_at: command.createdAt,
    updated_at: command.createdAt,
  };
}

function toColumns(command: Required<CommandUpdate>) {
  return {
    status: command.status,
    is_open: Number(isOpen(command.status)),
    progress: command.progress,
    result: command.result === undefined || command.result === null ? null : JSON.stringify(command.result),
    error: command.error,
    sent_at: command.sentAt,
    delivered_at: command.deliveredAt,
    completed_at: command.completedAt,
    history: JSON.stringify(command.history),
    sends: command.sends,
    last_sent_at: command.lastSentAt,
  };
}

function toCommand(row: Selectable<CommandsTable>): Command {
  return {
    id: row.id,
    commandId: row.command_id,
    deviceId: row.device_id,
    deviceUid: row.device_uid,
    command: row.command,
    params: JSON.parse(row.params),
    deliver: row.deliver,
    status: row.status,
    progress: row.progress,
    result: row.result === null ? null : JSON.parse(row.result),
    error: row.error,
    batchId: row.batch_id,
    createdBy: row.created_by,
    createdAt: row.created_at,
    sentAt: row.sent_at,
    deliveredAt: row.delivered_at,
    completedAt: row.completed_at,
    expiresAt: row.expires_at,
    sends: row.sends,
    lastSentAt: row.last_sent_at,
    history: JSON.parse(row.history),
  };
}

function toBatch(row: Selectable<CommandBatchesTable>): CommandBatch {
  return {
    batchId: row.batch_id,
    target: JSON.parse(row.target),
    command: row.command,
    params: JSON.parse(row.params),
    deliver: row.deliver,
    createdBy: row.created_by,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    afterId: row.after_id,
    isDone: row.is_done === 1,
  };
}
