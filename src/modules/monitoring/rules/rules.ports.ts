import type { OneOrMore, PageQuery, SortTerm } from '#kernel/pagination.ts';
import type { DeviceFacts } from '#modules/devices/index.ts';
import type { MetricValue } from '#platform/telemetry/telemetry.port.ts';

export const CONDITIONS = ['gt', 'gte', 'lt', 'lte', 'eq', 'ne', 'outside', 'inside', 'no_data', 'offline'] as const;
export type Condition = (typeof CONDITIONS)[number];

export const SEVERITIES = ['INFO', 'WARNING', 'CRITICAL'] as const;
export type Severity = (typeof SEVERITIES)[number];

export const CHANNELS = ['web', 'email', 'webhook'] as const;
export type Channel = (typeof CHANNELS)[number];

export type Range = readonly [low: number, high: number];
/** A range belongs to `outside` and `inside`; booleans and strings to `eq` and `ne` only. */
export type Threshold = number | boolean | string | Range;

/** Which devices a rule is about. */
export type Scope =
  | { readonly kind: 'device'; readonly deviceId: number }
  | { readonly kind: 'group'; readonly groupId: number }
  | { readonly kind: 'type'; readonly deviceType: string }
  | { readonly kind: 'all' };

/** What is judged, and how: all that the evaluator looks at. */
export interface RuleTerms {
  /** Empty for `offline`, which is judged on the status of the device. */
  readonly metric: string;
  readonly condition: Condition;
  /** Null for `no_data` and `offline`. */
  readonly threshold: Threshold | null;
  /** Null: the alert ends when the condition does. */
  readonly clearThreshold: number | Range | null;
  readonly forSeconds: number;
  readonly clearForSeconds: number;
  readonly cooldownSeconds: number;
}

/** What a person says about a rule. */
export interface RuleInput extends RuleTerms {
  readonly name: string;
  readonly severity: Severity;
  readonly scope: Scope;
  readonly channels: readonly Channel[];
  /** Ids of users. Null: the owner of the device and, of a rule of MANAGEMENT, MANAGEMENT. */
  readonly recipients: readonly number[] | null;
  readonly isEnabled: boolean;
}

/** A rule as stored. Instants are epoch milliseconds. */
export interface AlertRule extends RuleInput {
  readonly id: number;
  /** Grows when what is judged changes; states and results of another revision are void. */
  readonly revision: number;
  /** Since when it judges in its present form; null: it does not yet, for it is not known where its devices stand. */
  readonly activatedAt: number | null;
  readonly createdBy: number | null;
  /** Whether MANAGEMENT answers for what it tells whom; otherwise it is a USER's, and tells that USER alone. */
  readonly ofManagement: boolean;
  readonly createdAt: number;
  readonly updatedAt: number;
}

export const RULE_SORT_FIELDS = ['id', 'name', 'metric', 'severity', 'created_at', 'updated_at'] as const;
export type RuleSortField = (typeof RULE_SORT_FIELDS)[number];

/** Every given field must match; none given means every rule. */
export interface RuleFilter {
  readonly severity?: OneOrMore<Severity>;
  readonly condition?: OneOrMore<Condition>;
  readonly metric?: OneOrMore<string>;
  /** Rules for this device alone. */
  readonly deviceId?: OneOrMore<number>;
  /** Rules for one of these devices alone. */
  readonly deviceIds?: readonly number[];
  readonly isEnabled?: boolean;
  /** Contained in the name or the metric. */
  readonly q?: string;
}

export interface RuleListQuery extends Omit<PageQuery, 'sort'> {
  readonly filter: RuleFilter;
  /** Ties are broken by id. */
  readonly sort: readonly SortTerm<RuleSortField>[];
}

/** Reads. Deleted rules are not there. */
export interface RuleReader {
  findById(id: number): Promise<AlertRule | null>;
}

export type RuleAuthority = Pick<AlertRule, 'ofManagement'>;

/** Reads and writes of one unit of work. */
export interface RuleWriter extends RuleReader {
  /** Rules that there are: of this user, and of everyone. */
  count(createdBy: number): Promise<{ readonly own: number; readonly all: number }>;
  /** It has to be activated. @returns the id */
  insert(rule: RuleInput & RuleAuthority, createdBy: number, at: number): Promise<number>;
  /** `renewed`: what is judged is another thing now, so its revision grows and it has to be activated again. */
  update(id: number, rule: RuleInput & RuleAuthority, renewed: boolean, at: number): Promise<void>;
  remove(id: number, at: number): Promise<void>;
  /** It judges from `at` on, unless its revision is another one by now. */
  activate(id: number, revision: number, at: number): Promise<void>;
  /** Forgets what is known about the rule's devices. */
  forgetStates(id: number): Promise<void>;
}

export interface RuleStore extends RuleReader {
  list(query: RuleListQuery): Promise<{ readonly items: readonly AlertRule[]; readonly total: number }>;
  /** Rules that judge, with an id above `afterId`, by id, `limit` at the most. */
  listActive(afterId: number, limit: number): Promise<readonly AlertRule[]>;
  /** Ids of enabled rules that are to be activated, `limit` at the most. */
  idsToActivate(limit: number): Promise<readonly number[]>;
  /** Ids of the rules for this device alone. */
  idsForDevice(deviceId: number): Promise<readonly number[]>;
}

export interface ReplayedDevice {
  readonly device: DeviceFacts;
  readonly samples: number;
  readonly alerts: readonly ReplayedAlert[];
}

/** Fields to change; an absent one stays. */
export type RuleChanges = Partial<RuleInput>;

/** An alert that a rule would have raised. Instants are epoch milliseconds. */
export interface ReplayedAlert {
  readonly startedAt: number;
  readonly value: MetricValue | null;
  readonly occurrences: number;
  readonly lastSeenAt: number;
  readonly lastValue: MetricValue | null;
  /** Null: it would be ACTIVE at the end of the range. */
  readonly clearedAt: number | null;
}
