import { CompiledQuery, type Kysely, sql } from 'kysely';
import { CLOCKS_DIFFER_MS } from '#kernel/clock.ts';
import type { SqlStore } from '#platform/sql/sql.port.ts';
import type { MetricValue } from '#platform/telemetry/telemetry.port.ts';
import type { MonitoringTables } from '../monitoring.tables.ts';
import { toAlert } from './alerts.repository.ts';
import type { AlertEvent, OutboxStore, PairChange, StateStore, WatchStore } from './evaluation.ports.ts';
import type { PairState, Transition } from './judge.ts';
import { type AlertNotification, describeAlert, notificationOf } from './messages.ts';
import { baselineOf } from './pair-tracks.ts';

type Db = Kysely<MonitoringTables>;

const THE_WATCH = 1;

export function createStateStore(store: SqlStore): StateStore {
  const db = () => store.db<MonitoringTables>();
  return {
    async load(deviceIds) {
      if (deviceIds.length === 0) return [];
      const rows = await db()
        .selectFrom('alert_states')
        .select([
          'rule_id as ruleId',
          'device_id as deviceId',
          'revision',
          'version',
          'phase',
          'since',
          'clear_since as clearSince',
          'watermark',
          'cleared_at as clearedAt',
          'baseline',
        ])
        .where('device_id', 'in', deviceIds)
        .execute();
      return rows;
    },
    save: (changes, at) =>
      store.transaction(async (trx: Db) => {
        const events: SavedEvent[] = [];
        const stale: PairChange[] = [];
        const revisions = await currentRevisions(trx, changes);
        for (const change of changes) {
          const outdated = revisions.get(change.rule.id) !== change.rule.revision;
          if (outdated || !(await saveState(trx, store, change, at))) stale.push(change);
          else events.push(...(await saveTransitions(trx, change, at)));
        }
        let notifies = false;
        for (const { alert, change, value } of events) {
          // An end that no value brought about is one that somebody made.
          const isMade = change.after === null;
          const notification = isMade ? null : notificationOf(alert, change.rule, change.device, value);
          if (notification === null) continue;
          notifies = true;
          await trx
            .insertInto('alert_outbox')
            .values({ payload: JSON.stringify(notification), created_at: at, updated_at: at })
            .execute();
        }
        return { events: events.map(({ type, alert }) => ({ type, alert })), stale, notifies };
      }),
    begin: ({ id, revision }, devices, at) =>
      store.transaction(async (trx: Db) => {
        const rule = await trx.selectFrom('alert_rules').select('revision').where('id', '=', id).executeTakeFirst();
        if (rule?.revision !== revision || devices.length === 0) return;
        const ids = devices.map(({ deviceId }) => deviceId);
        const known = await trx
          .selectFrom('alert_states')
          .select('device_id')
          .where('rule_id', '=', id)
          .where('device_id', 'in', ids)
          .execute();
        const isKnown = new Set(known.map(({ device_id }) => device_id));
        const rows = devices
          .filter(({ deviceId }) => !isKnown.has(deviceId))
          .map(({ deviceId, baseline }) => ({
            rule_id: id,
            device_id: deviceId,
            revision,
            version: 1,
            phase: 'normal' as const,
            since: at,
            clear_since: null,
            watermark: null,
            cleared_at: null,
            baseline,
            created_at: at,
            updated_at: at,
          }));
        if (rows.length > 0) await trx.insertInto('alert_states').values(rows).execute();
      }),
    async deviceIdsAfter(afterId, limit) {
      const rows = await db()
        .selectFrom('alert_states')
        .select('device_id')
        .distinct()
        .where('device_id', '>', afterId)
        .orderBy('device_id')
        .limit(limit)
        .execute();
      return rows.map(({ device_id }) => device_id);
    },
    async unknownTo({ id, revision }, deviceIds) {
      if (deviceIds.length === 0) return [];
      const rows = await db()
        .selectFrom('alert_states')
        .select('device_id')
        .where('rule_id', '=', id)
        .where('revision', '=', revision)
        .where('device_id', 'in', deviceIds)
        .execute();
      const known = new Set(rows.map(({ device_id }) => device_id));
      return deviceIds.filter((deviceId) => !known.has(deviceId));
    },
    async statusDue({ id, forSeconds, clearForSeconds }, now, afterId, limit) {
      const rows = await db()
        .selectFrom('alert_states')
        .select('device_id')
        .where('rule_id', '=', id)
        .where((eb) =>
          eb.or([
            eb.and([eb('phase', '=', 'pending'), eb('since', '<=', now - forSeconds * 1_000)]),
            eb.and([eb('phase', '=', 'active'), eb('clear_since', '<=', now - clearForSeconds * 1_000)]),
          ]),
        )
        .where('device_id', '>', afterId)
        .orderBy('device_id')
        .limit(limit)
        .execute();
      return rows.map(({ device_id }) => device_id);
    },
    async silentSince(ruleId, before, afterId, limit) {
      const rows = await db()
        .selectFrom('alert_states')
        .select('device_id')
        .where('rule_id', '=', ruleId)
        .where('phase', '=', 'normal')
        .where(sql<number>`coalesce(since, watermark)`, '<', before)
        .where('device_id', '>', afterId)
        .orderBy('device_id')
        .limit(limit)
        .execute();
      return rows.map(({ device_id }) => device_id);
    },
  };
}

/** With what brought it about. */
type SavedEvent = AlertEvent & { readonly change: PairChange; readonly value: MetricValue | null };

async function currentRevisions(trx: Db, changes: readonly PairChange[]): Promise<ReadonlyMap<number, number>> {
  const ids = [...new Set(changes.map(({ rule }) => rule.id))];
  if (ids.length === 0) return new Map();
  const rows = await trx
    .selectFrom('alert_rules')
    .select(['id', 'revision'])
    .where('id', 'in', ids)
    .where('is_enabled', '=', 1)
    .where('deleted_at', 'is', null)
    .execute();
  return new Map(rows.map(({ id, revision }) => [id, revision]));
}

const UPDATE_STATE =
  'update alert_states set phase = ?, since = ?, clear_since = ?, watermark = ?, cleared_at = ?, version = version + 1, ' +
  'updated_at = ? where rule_id = ? and device_id = ? and revision = ? and version = ?';
const INSERT_STATE =
  'insert into alert_states (phase, since, clear_since, watermark, cleared_at, updated_at, rule_id, device_id, revision, ' +
  'version, baseline, created_at) values (?, ?, ?, ?, ?, ?, ?, ?, ?, 1, ?, ?)';
const ADVANCE_ALERT =
  'update alerts set occurrences = occurrences + ?, last_value = ?, last_seen_at = ?, updated_at = ? where active_key = ?';

/**
 * As text, because these run for every pair in every round and building them costs more than running them.
 * @returns false when the state is not what it was judged by
 */
async function saveState(trx: Db, store: SqlStore, change: PairChange, at: number): Promise<boolean> {
  const { rule, device, before, after } = change;
  if (after === null) {
    const { numDeletedRows } = await trx
      .deleteFrom('alert_states')
      .where('rule_id', '=', rule.id)
      .where('device_id', '=', device.deviceId)
      .where('version', '=', before?.version ?? 0)
      .executeTakeFirst();
    return numDeletedRows > 0n;
  }
  const values = [...valuesOf(after), at, rule.id, device.deviceId, rule.revision];
  if (before !== null) {
    const result = await trx.executeQuery(CompiledQuery.raw(UPDATE_STATE, [...values, before.version]));
    return (result.numAffectedRows ?? 0n) > 0n;
  }
  try {
    await trx.executeQuery(CompiledQuery.raw(INSERT_STATE, [...values, baselineOf(device, after), at]));
    return true;
  } catch (error) {
    if (store.isUniqueViolation(error)) return false;
    throw error;
  }
}

function valuesOf({ phase, since, clearSince, watermark, clearedAt }: PairState): readonly unknown[] {
  return [phase, since, clearSince, watermark, clearedAt];
}

async function saveTransitions(trx: Db, change: PairChange, at: number): Promise<readonly SavedEvent[]> {
  const key = `${change.rule.id}:${change.device.deviceId}`;
  const events: SavedEvent[] = [];
  for (const transition of change.transitions) {
    if (transition.kind === 'seen') {
      const values = [transition.count, JSON.stringify(transition.value), transition.at, at, key];
      await trx.executeQuery(CompiledQuery.raw(ADVANCE_ALERT, values));
    } else if (transition.kind === 'raised') {
      events.push({ ...(await raise(trx, key, change, transition, at)), change, value: transition.value });
    } else {
      const cleared = await clear(trx, key, transition.at, at);
      events.push(...cleared.map((event) => ({ ...event, change, value: transition.value })));
    }
  }
  return events;
}

async function raise(
  trx: Db,
  key: string,
  { rule, device }: PairChange,
  transition: Extract<Transition, { kind: 'raised' }>,
  at: number,
): Promise<AlertEvent> {
  const value = transition.value === null ? null : JSON.stringify(transition.value);
  const row = {
    rule_id: rule.id,
    device_id: device.deviceId,
    device_uid: device.deviceUid,
    rule_name: rule.name,
    severity: rule.severity,
    status: 'ACTIVE' as const,
    active_key: key,
    message: describeAlert(rule, transition.value),
    value,
    last_value: value,
    threshold: rule.threshold === null ? null : JSON.stringify(rule.threshold),
    occurrences: 1,
    started_at: transition.at,
    last_seen_at: transition.at,
    cleared_at: null,
    is_acknowledged: 0,
    acknowledged_by: null,
    acknowledged_at: null,
    assigned_to: null,
    comment_count: 0,
    created_at: at,
    updated_at: at,
    deleted_at: null,
  };
  const { insertId } = await trx.insertInto('alerts').values(row).executeTakeFirstOrThrow();
  return { type: 'alert.raised', alert: toAlert({ ...row, id: Number(insertId) }) };
}

async function clear(trx: Db, key: string, clearedAt: number, at: number): Promise<readonly AlertEvent[]> {
  const row = await trx.selectFrom('alerts').selectAll().where('active_key', '=', key).executeTakeFirst();
  if (row === undefined) return [];
  // An end that the server's clock brought about may be before a time stamp of a device whose clock is ahead.
  const changes = {
    status: 'CLEARED',
    active_key: null,
    cleared_at: Math.max(clearedAt, row.last_seen_at),
    updated_at: at,
  } as const;
  await trx.updateTable('alerts').set(changes).where('id', '=', row.id).execute();
  return [{ type: 'alert.cleared', alert: toAlert({ ...row, ...changes }) }];
}

export function createWatchStore(store: SqlStore): WatchStore {
  return {
    keep: (owner, now, until, longestBreakMs) =>
      store.transaction(async (trx: Db) => {
        const watch = await trx.selectFrom('alert_watch').selectAll().where('id', '=', THE_WATCH).executeTakeFirst();
        if (watch === undefined) {
          await trx
            .insertInto('alert_watch')
            .values({ id: THE_WATCH, owner, until, listening_since: now, created_at: now, updated_at: now })
            .execute();
          return now;
        }
        // What lies further ahead was written while the clock was.
        const isAhead = watch.until > until + CLOCKS_DIFFER_MS;
        if (watch.owner !== owner && watch.until > now && !isAhead) return null;
        const isBroken = isAhead || now - watch.until > longestBreakMs || watch.listening_since > now;
        const since = isBroken ? now : watch.listening_since;
        await trx
          .updateTable('alert_watch')
          .set({ owner, until, listening_since: since, updated_at: now })
          .where('id', '=', THE_WATCH)
          .execute();
        return since;
      }),
  };
}

export function createOutboxStore(store: SqlStore): OutboxStore<AlertNotification> {
  const db = () => store.db<MonitoringTables>();
  return {
    async oldest(limit) {
      const rows = await db().selectFrom('alert_outbox').select(['id', 'payload']).orderBy('id').limit(limit).execute();
      return rows.map(({ id, payload }) => ({ id, notification: JSON.parse(payload) as AlertNotification }));
    },
    async remove(id) {
      await db().deleteFrom('alert_outbox').where('id', '=', id).execute();
    },
  };
}
