import { type Kysely, type Selectable, sql } from 'kysely';
import { several } from '#kernel/pagination.ts';
import type { AuditTrail } from '#platform/audit/audit.port.ts';
import { countOf, readPage } from '#platform/sql/pages.port.ts';
import { containing, isLike, type SqlStore } from '#platform/sql/sql.port.ts';
import type { MetricValue } from '#platform/telemetry/telemetry.port.ts';
import type { AlertsTable, MonitoringTables } from '../monitoring.tables.ts';
import type { Severity, Threshold } from '../rules/rules.ports.ts';
import type { SqlRules } from '../rules/rules.repository.ts';
import {
  type Alert,
  type AlertFilter,
  type AlertStore,
  type AlertWriter,
  type MonitoringStore,
  SEARCHED_ALERTS,
} from './alerts.ports.ts';
import { insertComment, listComments } from './comments.repository.ts';

type Db = Kysely<MonitoringTables>;

export function createMonitoringStore(store: SqlStore, rules: SqlRules, audit: AuditTrail): MonitoringStore {
  return {
    alerts: createAlertStore(store),
    transaction: (work) =>
      store.transaction((trx: Db) =>
        work({ rules: rules.writer(trx), alerts: createAlertWriter(trx), audit: audit.on(trx) }),
      ),
  };
}

function createAlertStore(store: SqlStore): AlertStore {
  const db = () => store.db<MonitoringTables>();
  return {
    findById: (id) => findById(db(), id),
    list({ filter, q, sort, ...asked }) {
      const by = sort.map(({ field, direction }) => ({
        field: field === 'severity' ? SEVERITY_WEIGHT : field,
        direction,
      }));
      const page = { ...asked, sort: by, tie: { field: 'id', direction: 'desc' } } as const;
      return readPage(searched(db(), filter, q).selectAll(), page, toAlert);
    },
    listComments: (alertId, page) => listComments(db(), alertId, page),
    async newestId() {
      const row = await db()
        .selectFrom('alerts')
        .select((eb) => eb.fn.max('id').as('id'))
        .executeTakeFirst();
      return Number(row?.id ?? 0);
    },
    removeClearedBefore: (before, limit) =>
      store.transaction(async (trx: Db) => {
        const rows = await trx
          .selectFrom('alerts')
          .select('id')
          .where('status', '=', 'CLEARED')
          .where('cleared_at', '<', before)
          .limit(limit)
          .execute();
        const ids = rows.map(({ id }) => id);
        if (ids.length > 0) {
          await trx.deleteFrom('alert_comments').where('alert_id', 'in', ids).execute();
          await trx.deleteFrom('alerts').where('id', 'in', ids).execute();
        }
        return ids.length;
      }),
    async countRaised(deviceIds, since) {
      if (deviceIds.length === 0) return 0;
      const raised = db()
        .selectFrom('alerts')
        .where('device_id', 'in', [...deviceIds])
        .where('started_at', '>=', since)
        .where('deleted_at', 'is', null);
      return await countOf(raised);
    },
    async countOpen() {
      const rows = await db()
        .selectFrom('alerts')
        .select((eb) => ['severity', 'status', 'is_acknowledged', eb.fn.countAll<number>().as('count')])
        .where('deleted_at', 'is', null)
        .where((eb) => eb.or([eb('status', '=', 'ACTIVE'), eb('is_acknowledged', '=', 0)]))
        .groupBy(['severity', 'status', 'is_acknowledged'])
        .execute();
      return rows.map(({ severity, status, is_acknowledged, count }) => ({
        severity,
        status,
        isAcknowledged: is_acknowledged === 1,
        count: Number(count),
      }));
    },
  };
}

function createAlertWriter(trx: Db): AlertWriter {
  async function clear(column: 'rule_id' | 'device_id', id: number, at: number): Promise<readonly Alert[]> {
    const rows = await trx
      .selectFrom('alerts')
      .selectAll()
      .where(column, '=', id)
      .where('status', '=', 'ACTIVE')
      .orderBy('id')
      .execute();
    if (rows.length > 0) {
      await trx
        .updateTable('alerts')
        .set((eb) => ({
          status: 'CLEARED' as const,
          active_key: null,
          // The device's clock may be ahead of the server's.
          cleared_at: eb.case().when('last_seen_at', '>', at).then(eb.ref('last_seen_at')).else(at).end(),
          updated_at: at,
        }))
        .where(column, '=', id)
        .where('status', '=', 'ACTIVE')
        .execute();
    }
    return rows.map((row) => ({
      ...toAlert(row),
      status: 'CLEARED',
      clearedAt: Math.max(at, row.last_seen_at),
      updatedAt: at,
    }));
  }

  return {
    findById: (id) => findById(trx, id),
    async acknowledge(id, userId, at) {
      const { numUpdatedRows } = await trx
        .updateTable('alerts')
        .set({ is_acknowledged: 1, acknowledged_by: userId, acknowledged_at: at, updated_at: at })
        .where('id', '=', id)
        .where('is_acknowledged', '=', 0)
        .executeTakeFirst();
      return numUpdatedRows > 0n;
    },
    async acknowledgeMany(filter, upTo, limit, { userId, at }) {
      const rows = await filtered(trx, { ...filter, isAcknowledged: false })
        .selectAll()
        .where('id', '<=', upTo)
        .orderBy('id')
        .limit(limit)
        .execute();
      const ids = rows.map(({ id }) => id);
      const changes = { is_acknowledged: 1, acknowledged_by: userId, acknowledged_at: at, updated_at: at };
      if (ids.length > 0) await trx.updateTable('alerts').set(changes).where('id', 'in', ids).execute();
      return rows.map((row) => toAlert({ ...row, ...changes }));
    },
    async assign(id, userId, at) {
      const { numUpdatedRows } = await trx
        .updateTable('alerts')
        .set({ assigned_to: userId, updated_at: at })
        .where('id', '=', id)
        .where((eb) =>
          userId === null
            ? eb('assigned_to', 'is not', null)
            : eb.or([eb('assigned_to', 'is', null), eb('assigned_to', '!=', userId)]),
        )
        .executeTakeFirst();
      return numUpdatedRows > 0n;
    },
    comment: (comment) => insertComment(trx, comment),
    clearOfRule: (ruleId, at) => clear('rule_id', ruleId, at),
    async clearOfDevice(deviceId, at) {
      await trx.deleteFrom('alert_states').where('device_id', '=', deviceId).execute();
      return await clear('device_id', deviceId, at);
    },
    async hideOfDevice(deviceId, at) {
      await trx
        .updateTable('alerts')
        .set({ deleted_at: at })
        .where('device_id', '=', deviceId)
        .where('deleted_at', 'is', null)
        .execute();
    },
  };
}

const SEVERITY_WEIGHT = sql`case severity when 'CRITICAL' then 3 when 'WARNING' then 2 else 1 end`;

async function findById(db: Db, id: number): Promise<Alert | null> {
  const row = await filtered(db, {}).selectAll().where('id', '=', id).executeTakeFirst();
  return row === undefined ? null : toAlert(row);
}

function searched(db: Db, filter: AlertFilter, q: string | undefined) {
  const matching = filtered(db, filter);
  if (q === undefined) return matching;
  const newest = matching.selectAll().orderBy('started_at', 'desc').orderBy('id', 'desc').limit(SEARCHED_ALERTS);
  return db
    .selectFrom(newest.as('alerts'))
    .where(isLike(['rule_name', 'device_uid', 'message'], containing(q))) as typeof matching;
}

function filtered(db: Db, filter: AlertFilter) {
  let query = db.selectFrom('alerts').where('deleted_at', 'is', null);
  if (filter.ids !== undefined) query = query.where('id', 'in', [...filter.ids]);
  if (filter.deviceIds !== undefined) query = query.where('device_id', 'in', [...filter.deviceIds]);
  if (filter.status !== undefined) query = query.where('status', 'in', several(filter.status));
  if (filter.severity !== undefined) query = query.where('severity', 'in', several(filter.severity));
  if (filter.deviceId !== undefined) query = query.where('device_id', 'in', several(filter.deviceId));
  if (filter.ruleId !== undefined) query = query.where('rule_id', 'in', several(filter.ruleId));
  if (filter.isAcknowledged !== undefined) query = query.where('is_acknowledged', '=', Number(filter.isAcknowledged));
  if (filter.assignedTo !== undefined) query = query.where('assigned_to', 'in', several(filter.assignedTo));
  if (filter.from !== undefined) query = query.where('started_at', '>=', filter.from);
  if (filter.to !== undefined) query = query.where('started_at', '<', filter.to);
  return query;
}

export function toAlert(row: Selectable<AlertsTable>): Alert {
  return {
    id: row.id,
    ruleId: row.rule_id,
    ruleName: row.rule_name,
    severity: row.severity as Severity,
    deviceId: row.device_id,
    deviceUid: row.device_uid,
    status: row.status,
    message: row.message,
    value: fromJson<MetricValue>(row.value),
    lastValue: fromJson<MetricValue>(row.last_value),
    threshold: fromJson<Threshold>(row.threshold),
    occurrences: row.occurrences,
    startedAt: row.started_at,
    lastSeenAt: row.last_seen_at,
    clearedAt: row.cleared_at,
    isAcknowledged: row.is_acknowledged === 1,
    acknowledgedBy: row.acknowledged_by,
    acknowledgedAt: row.acknowledged_at,
    assignedTo: row.assigned_to,
    commentCount: row.comment_count,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

function fromJson<T>(text: string | null): T | null {
  return text === null ? null : (JSON.parse(text) as T);
}
