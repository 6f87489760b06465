import type { RuleInput } from './rules.ports.ts';

/** Fields of a rule that the API shows as they are → their properties there. `metric` and `scope` look different there. */
export const RULE_NAMES = {
  name: 'name',
  condition: 'condition',
  threshold: 'threshold',
  severity: 'severity',
  forSeconds: 'for_seconds',
  clearThreshold: 'clear_threshold',
  clearForSeconds: 'clear_for_seconds',
  cooldownSeconds: 'cooldown_seconds',
  channels: 'channels',
  recipients: 'recipients',
  isEnabled: 'is_enabled',
} as const satisfies Record<Exclude<keyof RuleInput, 'metric' | 'scope'>, string>;

/** Those whose column holds the same value → the column. */
export const RULE_COLUMNS = {
  name: 'name',
  metric: 'metric',
  condition: 'rule_condition',
  severity: 'severity',
  forSeconds: 'for_seconds',
  clearForSeconds: 'clear_for_seconds',
  cooldownSeconds: 'cooldown_seconds',
} as const satisfies Partial<Record<keyof RuleInput, string>>;
