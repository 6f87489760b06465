import { type Static, Type } from 'typebox';
import { toIso } from '#kernel/clock.ts';
import { defined } from '#kernel/defined.ts';
import { rename, renameBack } from '#kernel/fields.ts';
import { METRIC_NAME } from '#platform/channels/payloads.port.ts';
import {
  Id,
  Instant,
  Nullable,
  PageOf,
  pageQuery,
  SeveralOf,
  Strict,
  searchQuery,
  sortQuery,
} from '#platform/http/http.schemas.ts';
import { invalidRule } from './rules.check.ts';
import { RULE_NAMES } from './rules.fields.ts';
import type { RuleChanges } from './rules.ports.ts';
import {
  type AlertRule,
  CHANNELS,
  type Channel,
  CONDITIONS,
  type Condition,
  RULE_SORT_FIELDS,
  type RuleFilter,
  type RuleInput,
  type Scope,
  SEVERITIES,
  type Severity,
  type Threshold,
} from './rules.ports.ts';

/** As devices may name them. */
const PRINTABLE = '^(?=.*\\S)[^\\u0000-\\u001f\\u007f]+$';
const PRINTABLE_IN_WORDS = 'text with something visible in it, in one line and without control characters';
const LONGEST_SECONDS = 30 * 86_400;

function oneOf<T extends string>(title: string, values: readonly T[], description: string, example: T) {
  return Type.Unsafe<T>({ title, type: 'string', enum: [...values], description, examples: [example] });
}

function seconds(description: string) {
  return Type.Integer({ minimum: 0, maximum: LONGEST_SECONDS, description, examples: [0] });
}

const name = Type.String({
  maxLength: 100,
  pattern: PRINTABLE,
  'x-accepts': PRINTABLE_IN_WORDS,
  description: 'Name for people; part of every alert and notification',
  examples: ['Greenhouse too hot'],
});
const metric = Type.String({
  pattern: METRIC_NAME,
  'x-accepts': '1 to 64 letters, digits, `_`, `.` and `-`, a letter or `_` first',
  description: 'Metric that is judged; left out for offline',
  examples: ['temperature'],
});
const condition = oneOf<Condition>('AlertCondition', CONDITIONS, 'When it holds, there is something to be told', 'gt');
export const severityField = oneOf<Severity>('AlertSeverity', SEVERITIES, 'How bad it is', 'WARNING');
const limit = { minimum: -1e308, maximum: 1e308 } as const;
const range = Type.Unsafe<readonly [number, number]>({
  type: 'array',
  items: { type: 'number', ...limit },
  minItems: 2,
  maxItems: 2,
  description: '`[low, high]`',
});
export const thresholdField = Type.Unsafe<Threshold | null>({
  anyOf: [Type.Number(limit), range, Type.Boolean(), Type.String({ maxLength: 256 }), Type.Null()],
  description:
    'A number for gt, gte, lt and lte; `[low, high]` for outside and inside; a number, a boolean or a string for eq and ' +
    'ne; left out for no_data and offline',
  examples: [30],
});
const clearThreshold = Type.Unsafe<number | readonly [number, number] | null>({
  anyOf: [Type.Number(limit), range, Type.Null()],
  description:
    'The alert ends only when the value has come back to this: not above it for gt and gte, not below it for lt and lte, ' +
    'within it for outside, at its edges or beyond for inside. Null: when the condition ends.',
  examples: [28],
});
const forSeconds = seconds(
  'The condition has to hold for so long, by the time of the data, before there is an alert; for no_data: so long ' +
    'nothing newer came (10 or more)',
);
const clearForSeconds = seconds('Its end has to hold for so long before the alert is cleared');
const cooldownSeconds = seconds('So long after an alert was cleared there is no new one for the same device');
const channels = Type.Array(oneOf<Channel>('AlertChannel', CHANNELS, 'Way of being told', 'web'), {
  uniqueItems: true,
  maxItems: CHANNELS.length,
  description:
    "How people are told; empty: only the list and the live view show it. `webhook` is the operator's: not in the rule " +
    'of a USER',
  examples: [['web', 'email']],
});
const recipients = Type.Unsafe<readonly number[] | null>({
  anyOf: [{ type: 'array', items: { type: 'integer', minimum: 1 }, uniqueItems: true, maxItems: 50 }, { type: 'null' }],
  description:
    'Ids of the users who are told, 50 at the most. Null: the owner of the device and, of a rule that MANAGEMENT made, ' +
    'MANAGEMENT. A USER may name itself only.',
  examples: [[12, 31]],
});
const isEnabled = Type.Boolean({ description: 'Whether it judges', examples: [true] });

const ScopeField = Strict(
  'AlertRuleScope',
  {
    device_id: Type.Optional({ ...Id, description: 'One device', examples: [7] }),
    group_id: Type.Optional({ ...Id, description: 'All devices of a group', examples: [3] }),
    device_type: Type.Optional(
      Type.String({
        maxLength: 64,
        pattern: PRINTABLE,
        'x-accepts': PRINTABLE_IN_WORDS,
        description: 'All devices of a type',
        examples: ['temperature-sensor'],
      }),
    ),
    all: Type.Optional(Type.Literal(true, { description: 'Every device' })),
  },
  { description: 'Which devices: exactly one of the fields', examples: [{ device_id: 7 }] },
);

export const RuleBody = Strict('NewAlertRule', {
  name,
  metric: Type.Optional(metric),
  condition,
  threshold: Type.Optional(thresholdField),
  severity: severityField,
  scope: ScopeField,
  for_seconds: Type.Optional(forSeconds),
  clear_threshold: Type.Optional(clearThreshold),
  clear_for_seconds: Type.Optional(clearForSeconds),
  cooldown_seconds: Type.Optional(cooldownSeconds),
  channels: Type.Optional(channels),
  recipients: Type.Optional(recipients),
  is_enabled: Type.Optional(isEnabled),
});
export type RuleBody = Static<typeof RuleBody>;

export const RulePatch = Strict('AlertRuleChanges', {
  name: Type.Optional(name),
  metric: Type.Optional(Nullable(metric)),
  condition: Type.Optional(condition),
  threshold: Type.Optional(thresholdField),
  severity: Type.Optional(severityField),
  scope: Type.Optional(ScopeField),
  for_seconds: Type.Optional(forSeconds),
  clear_threshold: Type.Optional(clearThreshold),
  clear_for_seconds: Type.Optional(clearForSeconds),
  cooldown_seconds: Type.Optional(cooldownSeconds),
  channels: Type.Optional(channels),
  recipients: Type.Optional(recipients),
  is_enabled: Type.Optional(isEnabled),
});

export const RuleView = Strict('AlertRule', {
  id: { ...Id, examples: [5] },
  name,
  metric: Nullable(metric),
  condition,
  threshold: thresholdField,
  severity: severityField,
  scope: ScopeField,
  for_seconds: forSeconds,
  clear_threshold: clearThreshold,
  clear_for_seconds: clearForSeconds,
  cooldown_seconds: cooldownSeconds,
  channels,
  recipients,
  is_enabled: isEnabled,
  created_by: Nullable({ ...Id, description: 'User who made it', examples: [12] }),
  created_at: Instant,
  updated_at: Instant,
});
export const RulePage = PageOf(RuleView);
export const RuleParams = Strict({ rule_id: { ...Id, description: 'Id of the alert rule', examples: [5] } });
export const RuleQuery = Strict({
  ...pageQuery,
  ...sortQuery(RULE_SORT_FIELDS),
  ...searchQuery,
  severity: SeveralOf(severityField),
  condition: SeveralOf(condition),
  metric: SeveralOf(metric),
  device_id: SeveralOf({ ...Id, description: 'Rules for this device alone', examples: [7] }),
  is_enabled: Type.Optional(isEnabled),
});
export const RULE_SORT_HELP = `Sort by ${RULE_SORT_FIELDS.join(', ')}.`;

/** What a new rule is where its maker says nothing. */
const LEFT_OUT = {
  ...{ threshold: null, clearThreshold: null, recipients: null },
  ...{ forSeconds: 0, clearForSeconds: 0, cooldownSeconds: 0 },
  channels: ['web'],
  isEnabled: true,
} satisfies Partial<RuleInput>;

/** @throws AppError `alert_rule_invalid` when the scope names none or several */
export function toRuleInput(body: RuleBody): RuleInput {
  return {
    ...LEFT_OUT,
    ...renameBack<RuleInput, typeof RULE_NAMES>(body, RULE_NAMES),
    ...{ name: body.name, condition: body.condition, severity: body.severity },
    metric: body.metric ?? '',
    scope: toScope(body.scope),
  };
}

/** @throws AppError `alert_rule_invalid` when the scope names none or several */
export function toRuleChanges(body: Static<typeof RulePatch>): RuleChanges {
  return {
    ...renameBack<RuleInput, typeof RULE_NAMES>(body, RULE_NAMES),
    ...(body.metric === undefined ? {} : { metric: body.metric ?? '' }),
    ...(body.scope === undefined ? {} : { scope: toScope(body.scope) }),
  };
}

function toScope(scope: Static<typeof ScopeField>): Scope {
  const named: Scope[] = [
    ...(scope.device_id === undefined ? [] : [{ kind: 'device', deviceId: scope.device_id } as const]),
    ...(scope.group_id === undefined ? [] : [{ kind: 'group', groupId: scope.group_id } as const]),
    ...(scope.device_type === undefined ? [] : [{ kind: 'type', deviceType: scope.device_type } as const]),
    ...(scope.all === undefined ? [] : [{ kind: 'all' } as const]),
  ];
  const [only, ...others] = named;
  if (only === undefined || others.length > 0) {
    throw invalidRule([{ path: '/scope', message: 'must have exactly one of device_id, group_id, device_type, all' }]);
  }
  return only;
}

export function toRuleFilter(query: Static<typeof RuleQuery>): RuleFilter {
  return defined({
    severity: query.severity,
    condition: query.condition,
    metric: query.metric,
    deviceId: query.device_id,
    isEnabled: query.is_enabled,
    q: query.q,
  });
}

export function presentRule(rule: AlertRule): Static<typeof RuleView> {
  return {
    id: rule.id,
    ...rename(rule, RULE_NAMES),
    channels: [...rule.channels],
    metric: rule.metric === '' ? null : rule.metric,
    scope: presentScope(rule.scope),
    created_by: rule.createdBy,
    created_at: toIso(rule.createdAt),
    updated_at: toIso(rule.updatedAt),
  };
}

function presentScope(scope: Scope): Static<typeof ScopeField> {
  if (scope.kind === 'device') return { device_id: scope.deviceId };
  if (scope.kind === 'group') return { group_id: scope.groupId };
  return scope.kind === 'type' ? { device_type: scope.deviceType } : { all: true };
}
