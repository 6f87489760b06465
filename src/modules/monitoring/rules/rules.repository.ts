import { type Kysely, type Selectable, sql } from 'kysely';
import { rename, renameBack } from '#kernel/fields.ts';
import { several } from '#kernel/pagination.ts';
import { readPage } from '#platform/sql/pages.port.ts';
import { containing, isLike, type SqlStore } from '#platform/sql/sql.port.ts';
import type { MonitoringTables } from '../monitoring.tables.ts';
import { RULE_COLUMNS } from './rules.fields.ts';
import type {
  AlertRule,
  Channel,
  RuleAuthority,
  RuleFilter,
  RuleInput,
  RuleStore,
  RuleWriter,
  Scope,
} from './rules.ports.ts';

type Db = Kysely<MonitoringTables>;

/** In `activated_at`. */
const NOT_YET = 0;

export interface SqlRules {
  readonly store: RuleStore;
  /** Inside a transaction. */
  writer(trx: Db): RuleWriter;
}

export function createRuleStore(store: SqlStore): SqlRules {
  const db = () => store.db<MonitoringTables>();
  return {
    store: {
      findById: (id) => findById(db(), id),
      list: ({ filter, ...asked }) =>
        readPage(filtered(db(), filter).selectAll(), { ...asked, tie: { field: 'id', direction: 'asc' } }, toRule),
      async listActive(afterId, limit) {
        const rows = await filtered(db(), { isEnabled: true })
          .selectAll()
          .where('activated_at', '>', NOT_YET)
          .where('id', '>', afterId)
          .orderBy('id')
          .limit(limit)
          .execute();
        return rows.map(toRule);
      },
      async idsToActivate(limit) {
        const rows = await filtered(db(), { isEnabled: true })
          .select('id')
          .where('activated_at', '=', NOT_YET)
          .limit(limit)
          .execute();
        return rows.map(({ id }) => id);
      },
      async idsForDevice(deviceId) {
        const rows = await filtered(db(), { deviceId }).select('id').execute();
        return rows.map(({ id }) => id);
      },
    },
    writer: createRuleWriter,
  };
}

function createRuleWriter(trx: Db): RuleWriter {
  return {
    findById: (id) => findById(trx, id),
    async count(createdBy) {
      const row = await filtered(trx, {})
        .select((eb) => [
          eb.fn.countAll<number>().as('all'),
          sql<number | null>`sum(case when created_by = ${createdBy} then 1 else 0 end)`.as('own'),
        ])
        .executeTakeFirst();
      return { own: Number(row?.own ?? 0), all: Number(row?.all ?? 0) };
    },
    async insert(rule, createdBy, at) {
      const { insertId } = await trx
        .insertInto('alert_rules')
        .values({
          ...toRow(rule),
          revision: 1,
          activated_at: NOT_YET,
          created_by: createdBy,
          created_at: at,
          updated_at: at,
          deleted_at: null,
        })
        .executeTakeFirstOrThrow();
      return Number(insertId);
    },
    async update(id, rule, renewed, at) {
      await trx
        .updateTable('alert_rules')
        .set({
          ...toRow(rule),
          ...(renewed ? { revision: sql<number>`revision + 1`, activated_at: NOT_YET } : {}),
          updated_at: at,
        })
        .where('id', '=', id)
        .execute();
    },
    async activate(id, revision, at) {
      await trx
        .updateTable('alert_rules')
        .set({ activated_at: at })
        .where('id', '=', id)
        .where('revision', '=', revision)
        .execute();
    },
    async remove(id, at) {
      await trx.updateTable('alert_rules').set({ deleted_at: at, updated_at: at }).where('id', '=', id).execute();
    },
    async forgetStates(id) {
      await trx.deleteFrom('alert_states').where('rule_id', '=', id).execute();
    },
  };
}

async function findById(db: Db, id: number): Promise<AlertRule | null> {
  const row = await filtered(db, {}).selectAll().where('id', '=', id).executeTakeFirst();
  return row === undefined ? null : toRule(row);
}

function filtered(db: Db, filter: RuleFilter) {
  let query = db.selectFrom('alert_rules').where('deleted_at', 'is', null);
  if (filter.severity !== undefined) query = query.where('severity', 'in', several(filter.severity));
  if (filter.condition !== undefined) query = query.where('rule_condition', 'in', several(filter.condition));
  if (filter.metric !== undefined) query = query.where('metric', 'in', several(filter.metric));
  if (filter.deviceId !== undefined) query = query.where('device_id', 'in', several(filter.deviceId));
  if (filter.deviceIds !== undefined) query = query.where('device_id', 'in', [...filter.deviceIds]);
  if (filter.isEnabled !== undefined) query = query.where('is_enabled', '=', Number(filter.isEnabled));
  if (filter.q !== undefined) query = query.where(isLike(['name', 'metric'], containing(filter.q)));
  return query;
}

function toRow(rule: RuleInput & RuleAuthority) {
  const { scope } = rule;
  return {
    ...rename(rule, RULE_COLUMNS),
    threshold: rule.threshold === null ? null : JSON.stringify(rule.threshold),
    clear_threshold: rule.clearThreshold === null ? null : JSON.stringify(rule.clearThreshold),
    scope_kind: scope.kind,
    device_id: scope.kind === 'device' ? scope.deviceId : null,
    group_id: scope.kind === 'group' ? scope.groupId : null,
    device_type: scope.kind === 'type' ? scope.deviceType : null,
    channels: rule.channels.join(','),
    recipients: rule.recipients === null ? null : JSON.stringify(rule.recipients),
    of_management: Number(rule.ofManagement),
    is_enabled: Number(rule.isEnabled),
  };
}

function toRule(row: Selectable<MonitoringTables['alert_rules']>): AlertRule {
  return {
    id: row.id,
    ...(renameBack<RuleInput, typeof RULE_COLUMNS>(row, RULE_COLUMNS) as Pick<RuleInput, keyof typeof RULE_COLUMNS>),
    threshold: row.threshold === null ? null : JSON.parse(row.threshold),
    clearThreshold: row.clear_threshold === null ? null : JSON.parse(row.clear_threshold),
    scope: toScope(row),
    channels: row.channels.split(',').filter((channel) => channel !== '') as Channel[],
    recipients: row.recipients === null ? null : JSON.parse(row.recipients),
    ofManagement: row.of_management === 1,
    isEnabled: row.is_enabled === 1,
    revision: row.revision,
    activatedAt: row.activated_at === NOT_YET ? null : row.activated_at,
    createdBy: row.created_by,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

function toScope(row: Selectable<MonitoringTables['alert_rules']>): Scope {
  if (row.scope_kind === 'device') return { kind: 'device', deviceId: row.device_id as number };
  if (row.scope_kind === 'group') return { kind: 'group', groupId: row.group_id as number };
  if (row.scope_kind === 'type') return { kind: 'type', deviceType: row.device_type as string };
  return { kind: 'all' };
}
