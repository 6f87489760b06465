import type { OneOrMore, PageQuery, SortTerm } from '#kernel/pagination.ts';
import type { AuditWriter } from '#platform/audit/audit.port.ts';
import type { MetricValue } from '#platform/telemetry/telemetry.port.ts';
import type { RuleWriter, Severity, Threshold } from '../rules/rules.ports.ts';

export const ALERT_STATUSES = ['ACTIVE', 'CLEARED'] as const;
export type AlertStatus = (typeof ALERT_STATUSES)[number];

/** An alert as stored, and as events carry it. Instants are epoch milliseconds, of the data's own time. */
export interface Alert {
  readonly id: number;
  readonly ruleId: number;
  /** Name and severity as they were when the alert was raised. */
  readonly ruleName: string;
  readonly severity: Severity;
  readonly deviceId: number;
  readonly deviceUid: string;
  readonly status: AlertStatus;
  /** For people, in English. */
  readonly message: string;
  /** With which it was raised; null for `no_data`. */
  readonly value: MetricValue | null;
  readonly lastValue: MetricValue | null;
  readonly threshold: Threshold | null;
  readonly occurrences: number;
  readonly startedAt: number;
  readonly lastSeenAt: number;
  readonly clearedAt: number | null;
  readonly isAcknowledged: boolean;
  readonly acknowledgedBy: number | null;
  readonly acknowledgedAt: number | null;
  /** Who takes care of it; null: nobody yet. */
  readonly assignedTo: number | null;
  readonly commentCount: number;
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** What somebody said about an alert. */
export interface AlertComment {
  readonly id: number;
  readonly alertId: number;
  readonly authorId: number;
  readonly text: string;
  /** Epoch milliseconds, by the server's clock. */
  readonly createdAt: number;
}

/** A comment, and the full name of who wrote it: null when none is given, or the user has gone. */
export interface SignedComment extends AlertComment {
  readonly authorName: string | null;
}

/** Of one alert. */
export const MAX_COMMENTS = 200;

export const ALERT_SORT_FIELDS = ['id', 'started_at', 'last_seen_at', 'cleared_at', 'severity', 'status'] as const;
export type AlertSortField = (typeof ALERT_SORT_FIELDS)[number];

/** Every given field must match; none given means every alert. */
export interface AlertFilter {
  /** Of one of these. */
  readonly ids?: readonly number[];
  /** Of one of these devices. */
  readonly deviceIds?: readonly number[];
  readonly status?: OneOrMore<AlertStatus>;
  readonly severity?: OneOrMore<Severity>;
  readonly deviceId?: OneOrMore<number>;
  readonly ruleId?: OneOrMore<number>;
  readonly isAcknowledged?: boolean;
  readonly assignedTo?: OneOrMore<number>;
  /** Raised at or after. */
  readonly from?: number;
  /** Raised before. */
  readonly to?: number;
}

/** Text is searched alert by alert, so in so many at most: the newest that match everything else. */
export const SEARCHED_ALERTS = 10_000;

export interface AlertListQuery extends Omit<PageQuery, 'sort'> {
  readonly filter: AlertFilter;
  /** Contained in the rule's name, the device_uid or the message, of the newest `SEARCHED_ALERTS` that match the filter. */
  readonly q?: string;
  /** Ties are broken by id, newest first. Severity sorts by weight. */
  readonly sort: readonly SortTerm<AlertSortField>[];
}

export interface AlertCount {
  readonly severity: Severity;
  readonly status: AlertStatus;
  readonly isAcknowledged: boolean;
  readonly count: number;
}

/** Reads. Alerts of deleted devices are not there. */
export interface AlertReader {
  findById(id: number): Promise<Alert | null>;
}

export interface AlertWriter extends AlertReader {
  /** Whose it is does not change again: false when it was acknowledged already. */
  acknowledge(id: number, userId: number, at: number): Promise<boolean>;
  /** Acknowledges those that match and are not yet, up to the id `upTo`, by id, `limit` at the most. @returns them, as they are now */
  acknowledgeMany(
    filter: AlertFilter,
    upTo: number,
    limit: number,
    by: { readonly userId: number; readonly at: number },
  ): Promise<readonly Alert[]>;
  /** @returns false when it is this user's already */
  assign(id: number, userId: number | null, at: number): Promise<boolean>;
  /** @returns null when the alert has `MAX_COMMENTS` already */
  comment(comment: Omit<AlertComment, 'id'>): Promise<AlertComment | null>;
  /** Ends every ACTIVE alert of a rule. @returns them, as they are now */
  clearOfRule(ruleId: number, at: number): Promise<readonly Alert[]>;
  /** Ends every ACTIVE alert of a device, and forgets what was known about it. @returns them, as they are now */
  clearOfDevice(deviceId: number, at: number): Promise<readonly Alert[]>;
  /** All alerts of a device vanish from every list and lookup. */
  hideOfDevice(deviceId: number, at: number): Promise<void>;
}

export const COMMENT_SORT_FIELDS = ['created_at'] as const;

export interface CommentListQuery extends Omit<PageQuery, 'sort'> {
  /** Contained in the text. */
  readonly q?: string;
  readonly sort: readonly SortTerm<(typeof COMMENT_SORT_FIELDS)[number]>[];
}

export interface AlertStore extends AlertReader {
  list(query: AlertListQuery): Promise<{ readonly items: readonly Alert[]; readonly total: number }>;
  /** Of one alert. */
  listComments(
    alertId: number,
    query: CommentListQuery,
  ): Promise<{ readonly items: readonly AlertComment[]; readonly total: number }>;
  /** How many there are of each kind, acknowledged and cleared ones left out. */
  countOpen(): Promise<readonly AlertCount[]>;
  /** Of these devices, raised at or after `since`. */
  countRaised(deviceIds: readonly number[], since: number): Promise<number>;
  /** The newest id; 0 when there is none. */
  newestId(): Promise<number>;
  /** Removes alerts that were cleared before, and what was said about them, for good, `limit` at the most. @returns how many */
  removeClearedBefore(before: number, limit: number): Promise<number>;
}

export interface MonitoringWriters {
  readonly rules: RuleWriter;
  readonly alerts: AlertWriter;
  readonly audit: AuditWriter;
}

/** What belongs together is stored together. */
export interface MonitoringStore {
  readonly alerts: AlertStore;
  /** All of `work` or nothing; on disk when it resolves. `work` awaits nothing but the writers, and may be repeated. */
  transaction<T>(work: (writers: MonitoringWriters) => Promise<T>): Promise<T>;
}
