import type { components } from '#console/api/schema.d.ts';
import type { Rule, Severity } from './rule.levels.ts';

export type RuleBody = components['schemas']['NewAlertRule'];

export const CONDITIONS = ['gt', 'gte', 'lt', 'lte', 'outside', 'inside', 'eq', 'ne', 'no_data', 'offline'] as const;
export type ConditionName = (typeof CONDITIONS)[number];
export const SEVERITIES = ['INFO', 'WARNING', 'CRITICAL'] as const satisfies readonly Severity[];
export const CHANNELS = ['web', 'email', 'webhook'] as const;
export type ChannelName = (typeof CHANNELS)[number];
export const SCOPES = ['device', 'group', 'type', 'everything'] as const;
export type ScopeName = (typeof SCOPES)[number];

/** An input of numbers holds text while somebody types. */
type Typed = number | string;

/** A rule as its form holds it. */
export interface RuleForm {
  readonly name: string;
  readonly metric: string;
  readonly condition: ConditionName;
  /** The level, or the lower end of a range. */
  readonly low: Typed;
  readonly high: Typed;
  /** Of `eq` and `ne`: true, false, a number, else a string. */
  readonly text: string;
  readonly clearLow: Typed;
  readonly clearHigh: Typed;
  readonly severity: Severity;
  readonly scope: ScopeName;
  readonly device: number | null;
  readonly group: number | null;
  readonly type: string;
  readonly forSeconds: Typed;
  readonly clearForSeconds: Typed;
  readonly cooldownSeconds: Typed;
  readonly channels: readonly ChannelName[];
  readonly recipients: readonly number[];
  readonly isEnabled: boolean;
}

export const EMPTY: RuleForm = {
  ...{ name: '', metric: '', condition: 'gt', low: '', high: '', text: '', clearLow: '', clearHigh: '' },
  ...{ severity: 'WARNING', scope: 'device', device: null, group: null, type: '' },
  ...{ forSeconds: 0, clearForSeconds: 0, cooldownSeconds: 0, channels: ['web'], recipients: [], isEnabled: true },
};

export const takesRange = (condition: ConditionName) => condition === 'outside' || condition === 'inside';
export const takesLevel = (condition: ConditionName) => ['gt', 'gte', 'lt', 'lte'].includes(condition);
export const takesText = (condition: ConditionName) => condition === 'eq' || condition === 'ne';

export function formOf(rule: Rule): RuleForm {
  const { scope, threshold, clear_threshold: clear } = rule;
  const [low, high] = Array.isArray(threshold) ? threshold : [threshold, ''];
  const [clearLow, clearHigh] = Array.isArray(clear) ? clear : [clear, ''];
  return {
    ...{ name: rule.name, metric: rule.metric ?? '', condition: rule.condition, severity: rule.severity },
    low: typeof low === 'number' ? low : '',
    high: typeof high === 'number' ? high : '',
    text: takesText(rule.condition) ? textOf(threshold) : '',
    ...{ clearLow: Number.isFinite(clearLow) ? Number(clearLow) : '', clearHigh: clearHigh ?? '' },
    scope: scopeNameOf(scope),
    ...{ device: scope.device_id ?? null, group: scope.group_id ?? null, type: scope.device_type ?? '' },
    ...{
      forSeconds: rule.for_seconds,
      clearForSeconds: rule.clear_for_seconds,
      cooldownSeconds: rule.cooldown_seconds,
    },
    ...{ channels: rule.channels, recipients: [...(rule.recipients ?? [])], isEnabled: rule.is_enabled },
  };
}

function scopeNameOf(scope: Rule['scope']): ScopeName {
  if (scope.device_id !== undefined) return 'device';
  if (scope.group_id !== undefined) return 'group';
  return scope.device_type === undefined ? 'everything' : 'type';
}

/** What reads as a number, true or false is one; what is in quotes is a string whatever it reads as. */
function parsed(text: string): number | boolean | string {
  if (text === 'true' || text === 'false') return text === 'true';
  if (text.trim() !== '' && Number.isFinite(Number(text))) return Number(text);
  return /^".*"$/.test(text) ? text.slice(1, -1) : text;
}

function textOf(threshold: unknown): string {
  if (typeof threshold !== 'string') return String(threshold ?? '');
  return typeof parsed(threshold) === 'string' ? threshold : `"${threshold}"`;
}

const numberOf = (typed: Typed): number | null => (typed === '' || typed === '-' ? null : Number(typed));
const rangeOf = (low: Typed, high: Typed): readonly [number, number] | null => {
  const [from, to] = [numberOf(low), numberOf(high)];
  return from === null || to === null ? null : [from, to];
};

function thresholdOf(form: RuleForm) {
  if (takesRange(form.condition)) return rangeOf(form.low, form.high);
  if (takesLevel(form.condition)) return numberOf(form.low);
  return takesText(form.condition) && form.text !== '' ? parsed(form.text) : null;
}

function clearOf(form: RuleForm) {
  if (takesRange(form.condition)) return rangeOf(form.clearLow, form.clearHigh);
  return takesLevel(form.condition) ? numberOf(form.clearLow) : null;
}

function scopeOf(form: RuleForm): RuleBody['scope'] {
  if (form.scope === 'device') return form.device === null ? {} : { device_id: form.device };
  if (form.scope === 'group') return form.group === null ? {} : { group_id: form.group };
  return form.scope === 'type' ? { device_type: form.type } : { all: true };
}

/** As the API takes it, every field given. What is missing is for the API to say. */
export function bodyOf(form: RuleForm): RuleBody {
  return {
    ...{ name: form.name, condition: form.condition, severity: form.severity, scope: scopeOf(form) },
    ...(form.condition === 'offline' || form.metric === '' ? {} : { metric: form.metric }),
    threshold: thresholdOf(form) as never,
    clear_threshold: clearOf(form) as never,
    for_seconds: numberOf(form.forSeconds) ?? 0,
    clear_for_seconds: numberOf(form.clearForSeconds) ?? 0,
    cooldown_seconds: numberOf(form.cooldownSeconds) ?? 0,
    channels: [...form.channels],
    recipients: form.recipients.length === 0 ? null : [...form.recipients],
    is_enabled: form.isEnabled,
  };
}

/** Whether enough is said to try the rule. */
export function isTestable(form: RuleForm): boolean {
  const { scope, threshold, metric } = bodyOf(form);
  const hasScope = Object.values(scope).some((value) => value !== '' && value !== undefined);
  const hasThreshold = form.condition === 'no_data' || threshold !== null;
  return form.condition !== 'offline' && metric !== undefined && hasThreshold && hasScope;
}
