import type { Principal } from '#kernel/access.ts';
import type { Clock } from '#kernel/clock.ts';
import type { EventBus } from '#kernel/events.ts';
import { rename } from '#kernel/fields.ts';
import { type Page, type PageQuery, parseSort, toPage } from '#kernel/pagination.ts';
import { type DevicesApi, deviceErrors } from '#modules/devices/index.ts';
import type { UsersApi } from '#modules/users/index.ts';
import { type AuditEntry, changedFields } from '#platform/audit/audit.port.ts';
import type { Alert, MonitoringStore } from '../alerts/alerts.ports.ts';
import { withoutWebhook } from '../alerts/messages.ts';
import { monitoringErrors } from '../monitoring.errors.ts';
import { manages, mayActOn, visibleOnly } from '../monitoring.policy.ts';
import { checkRule, invalidRule } from './rules.check.ts';
import { RULE_NAMES } from './rules.fields.ts';
import {
  type AlertRule,
  RULE_SORT_FIELDS,
  type RuleAuthority,
  type RuleChanges,
  type RuleFilter,
  type RuleInput,
  type RuleStore,
  type RuleWriter,
  type Scope,
} from './rules.ports.ts';

export interface RulesServiceDeps {
  readonly rules: RuleStore;
  readonly store: MonitoringStore;
  readonly devices: Pick<DevicesApi, 'getVisible' | 'groupExists' | 'listInScope'>;
  readonly users: Pick<UsersApi, 'listContacts'>;
  readonly clock: Clock;
  readonly events: EventBus;
  /** How this process judges. Neither rejects. */
  readonly judging: {
    /** Resolves when it judges by the rule as it is stored. */
    readonly reload: (ruleId: number) => Promise<void>;
    /** Lets a rule judge that is new or another one now. */
    readonly activate: (ruleId: number) => Promise<void>;
  };
}

export type RulesService = ReturnType<typeof createRulesService>;

/** Every message of a device is judged by each of its rules, so nobody gets to have any number of them. */
const MAX_RULES_OF_A_USER = 50;
const MAX_RULES = 10_000;
/** USERs together cannot take the last ones. */
const KEPT_FOR_MANAGEMENT = 1_000;
const DEFAULT_SORT = [{ field: 'created_at', direction: 'desc' }] as const;

export function createRulesService({ rules, store, devices, users, clock, events, judging }: RulesServiceDeps) {
  async function existing(id: number, reader: Pick<RuleWriter, 'findById'> = rules): Promise<AlertRule> {
    const rule = await reader.findById(id);
    if (rule === null) throw monitoringErrors.alert_rule_not_found();
    return rule;
  }

  /** To a USER, rules that are about more than one own device are not there. */
  async function visible(principal: Principal, id: number): Promise<AlertRule> {
    const rule = await existing(id);
    if (manages(principal)) return rule;
    if (rule.scope.kind !== 'device') throw monitoringErrors.alert_rule_not_found();
    const device = await devices.getVisible(principal, rule.scope.deviceId).catch((error: unknown) => {
      throw monitoringErrors.alert_rule_not_found({ cause: error });
    });
    if (!mayActOn(principal, device)) throw monitoringErrors.alert_rule_not_found();
    return rule;
  }

  async function announce(ruleId: number, at: number, cleared: readonly Alert[]): Promise<void> {
    await judging.reload(ruleId);
    await judging.activate(ruleId);
    events.emit('alert_rule.changed', at, { rule_id: ruleId });
    for (const alert of cleared) events.emit('alert.cleared', at, { alert });
  }

  /**
   * Whether the principal may make rules about these devices.
   * @throws AppError `device_not_found`, `device_group_unknown`, `alert_scope_forbidden`, `alert_scope_too_wide`
   */
  async function requireScope(principal: Principal, scope: Scope): Promise<void> {
    if (scope.kind === 'device') {
      const device = await devices.getVisible(principal, scope.deviceId);
      if (!mayActOn(principal, device)) throw monitoringErrors.alert_scope_forbidden();
    } else if (!manages(principal)) {
      const fields = [{ path: '/scope', message: 'must name the device_id of a device that you own' }];
      throw monitoringErrors.alert_scope_too_wide({ details: { fields } });
    } else if (scope.kind === 'group' && !(await devices.groupExists(scope.groupId))) {
      const fields = [{ path: '/scope/group_id', message: 'must be the id of a device group' }];
      throw deviceErrors.device_group_unknown({ details: { fields } });
    }
  }

  /**
   * Whether the principal may have a rule tell these people in these ways: a USER itself alone, and no webhook.
   * @throws AppError `alert_rule_invalid`
   */
  async function requireAudience(
    principal: Principal,
    { recipients, channels }: Partial<Pick<RuleInput, 'recipients' | 'channels'>>,
  ): Promise<void> {
    const ids = recipients ?? [];
    if (!manages(principal)) {
      if (ids.some((id) => id !== principal.userId)) {
        throw invalidRule([{ path: '/recipients', message: 'must name nobody but you in the rule of a USER' }]);
      }
      if (channels?.includes('webhook') === true) {
        throw invalidRule([{ path: '/channels', message: 'must not have webhook in the rule of a USER' }]);
      }
    } else if (ids.length > 0) {
      const known = (await users.listContacts({ ids, afterId: 0, limit: ids.length })).map((each) => each.userId);
      const unknown = ids.filter((id) => !known.includes(id));
      if (unknown.length === 0) return;
      const message = `must be ids of active users, which ${unknown.join(', ')} ${unknown.length > 1 ? 'are' : 'is'} not`;
      throw invalidRule([{ path: '/recipients', message }]);
    }
  }

  return {
    requireScope,

    /** MANAGEMENT lists every rule, a USER those for single devices that it owns. @throws AppError `invalid_sort` */
    async list(principal: Principal, query: PageQuery & { readonly filter: RuleFilter }): Promise<Page<AlertRule>> {
      const sort = parseSort(query.sort, RULE_SORT_FIELDS, DEFAULT_SORT);
      const { page, size, filter } = query;
      const owned = await visibleOnly(principal, devices);
      if (owned.deviceIds?.length === 0) return toPage([], 0, query);
      const { items, total } = await rules.list({ page, size, filter: { ...filter, ...owned }, sort });
      return toPage(items, total, query);
    },

    /** @throws AppError `alert_rule_not_found`, also when the principal may not see it */
    get: visible,

    /** @throws AppError `alert_rule_invalid`, `alert_rule_limit`, and as `requireScope` */
    async create(principal: Principal, input: RuleInput): Promise<AlertRule> {
      checkRule(input);
      await requireScope(principal, input.scope);
      await requireAudience(principal, input);
      const now = clock.now();
      const ofManagement = manages(principal);
      const rule = await store.transaction(async ({ rules: writer, audit }) => {
        const { own, all } = await writer.count(principal.userId);
        const limit = ofManagement || own < MAX_RULES_OF_A_USER ? MAX_RULES : MAX_RULES_OF_A_USER;
        if ((ofManagement ? all : Math.max(own, all + KEPT_FOR_MANAGEMENT)) >= limit) {
          throw monitoringErrors.alert_rule_limit({ detail: `There are ${limit} alert rules, the limit, already.` });
        }
        const created = await existing(await writer.insert({ ...input, ofManagement }, principal.userId, now), writer);
        await audit.record(entry(principal, 'alert_rule.created', created.id, audited(created)));
        return created;
      });
      await announce(rule.id, now, []);
      return rule;
    },

    /**
     * When what is judged changes, the rule starts afresh: its ACTIVE alerts are cleared, what it knew is forgotten.
     * @throws AppError `alert_rule_not_found`, `alert_rule_invalid`, and as `requireScope`
     */
    async update(principal: Principal, id: number, changes: RuleChanges): Promise<AlertRule> {
      await visible(principal, id);
      if (changes.scope !== undefined) await requireScope(principal, changes.scope);
      await requireAudience(principal, changes);
      const now = clock.now();
      const { rule, cleared, changed } = await store.transaction(async ({ rules: writer, alerts, audit }) => {
        const before = await existing(id, writer);
        const wanted = withAuthority(principal, before, changes);
        checkRule(wanted);
        const details = changedFields(audited(before), audited(wanted));
        if (Object.keys(details.changes).length === 0) return { rule: before, cleared: [], changed: false };
        const renewed = Object.keys(details.changes).some((field) => !KEEPS_STATE.includes(field));
        await writer.update(id, wanted, renewed, now);
        if (renewed) await writer.forgetStates(id);
        const ended = renewed ? await alerts.clearOfRule(id, now) : [];
        await audit.record(entry(principal, 'alert_rule.updated', id, details));
        return { rule: await existing(id, writer), cleared: ended, changed: true };
      });
      if (changed) await announce(id, now, cleared);
      return rule;
    },

    /** Its alerts stay; those that are ACTIVE are cleared. @throws AppError `alert_rule_not_found` */
    async remove(principal: Principal, id: number): Promise<void> {
      await visible(principal, id);
      const now = clock.now();
      const cleared = await store.transaction(async ({ rules: writer, alerts, audit }) => {
        const rule = await existing(id, writer);
        await writer.remove(id, now);
        await writer.forgetStates(id);
        await audit.record(entry(principal, 'alert_rule.deleted', id, audited(rule)));
        return await alerts.clearOfRule(id, now);
      });
      await announce(id, now, cleared);
    },

    /**
     * A device is gone: its alerts vanish, and the rules that were for it alone are deleted. May be repeated.
     */
    async forgetDevice(deviceId: number): Promise<void> {
      const now = clock.now();
      const orphans = await rules.idsForDevice(deviceId);
      const cleared = await store.transaction(async ({ rules: writer, alerts, audit }) => {
        for (const id of orphans) {
          await writer.remove(id, now);
          await writer.forgetStates(id);
          await audit.record(entry(null, 'alert_rule.deleted', id, { reason: 'device_deleted', device_id: deviceId }));
        }
        const ended = await alerts.clearOfDevice(deviceId, now);
        await alerts.hideOfDevice(deviceId, now);
        return ended;
      });
      for (const id of orphans) await announce(id, now, []);
      for (const alert of cleared) events.emit('alert.cleared', now, { alert });
    },
  };
}

/** A change of these changes nothing that is judged. */
const KEEPS_STATE: readonly string[] = ['name', 'severity', 'channels', 'recipients'];

/** Whoever changes a rule answers for it: one that a USER changes is a USER's, and tells that USER alone. */
function withAuthority(principal: Principal, before: AlertRule, changes: RuleChanges): RuleInput & RuleAuthority {
  const wanted = { ...before, ...changes };
  if (manages(principal)) {
    return { ...wanted, ofManagement: before.ofManagement || (changes.recipients ?? null) !== null };
  }
  const recipients = before.ofManagement ? (changes.recipients ?? null) : wanted.recipients;
  return { ...wanted, recipients, channels: withoutWebhook(wanted.channels), ofManagement: false };
}

function entry(actor: Principal | null, action: string, id: number, details: NonNullable<AuditEntry['details']>) {
  return { actor, action, resourceType: 'alert_rule', resourceId: String(id), details };
}

/** Field → value, each of which can be compared with `===`. */
function audited(rule: RuleInput): Readonly<Record<string, unknown>> {
  const scalar = (value: unknown) => (Array.isArray(value) ? value.join(',') : value);
  const { scope, metric } = rule;
  const plain = Object.entries(rename(rule, RULE_NAMES)).map(([name, value]) => [name, scalar(value)]);
  return {
    ...Object.fromEntries(plain),
    metric,
    scope: scope.kind === 'all' ? 'all' : `${scope.kind} ${scopeValue(scope)}`,
  };
}

function scopeValue(scope: Exclude<Scope, { kind: 'all' }>): number | string {
  if (scope.kind === 'device') return scope.deviceId;
  return scope.kind === 'group' ? scope.groupId : scope.deviceType;
}
