import type { Principal, RequestOrigin, UserRole } from '#kernel/access.ts';
import type { OneOrMore, PageQuery, SortTerm } from '#kernel/pagination.ts';
import type { SqlTransaction } from '../sql/sql.port.ts';

/** One line of the audit trail: who did what to what. When, from where and in which request is added. */
export interface AuditEntry {
  /**
   * Who; null: the system itself, or somebody who is not signed in. One with a personal access token is told apart by
   * `personal_token_id` in the details.
   */
  readonly actor: Principal | null;
  /** Where from, for an entry without an actor: a failed sign-in. Otherwise the actor's own origin counts. */
  readonly origin?: AuditOrigin;
  /** `device.created`, `auth.login_failed`: subject and past participle, 64 characters at most. */
  readonly action: string;
  /** Singular, snake_case: `device`, `user`, `alert_rule`, `system_config`. */
  readonly resourceType: string;
  /** 128 characters at most. */
  readonly resourceId: string | null;
  /**
   * JSON-serialisable, snake_case; never a secret, a password or a token. For a change: `changedFields`. Texts beyond 256
   * characters, lists and objects beyond 50 items are cut, and 8 KiB are kept at most.
   */
  readonly details?: Readonly<Record<string, unknown>>;
}

/** A login over MQTT is no request. */
export type AuditOrigin = Pick<RequestOrigin, 'ip'> & Partial<RequestOrigin>;

/** Append-only. */
export interface AuditWriter {
  /** Part of the transaction that it was made for, if any: the entry is stored if and only if the change is. */
  record(entry: AuditEntry): Promise<void>;
}

/**
 * Given to a module's repositories. A store hands the writer of its transaction on to the service:
 * `transaction: (work) => store.transaction((trx) => work(createWriter(trx), audit.on(trx)))`.
 * Its own `record` is for what goes with no other change, and is on disk when it resolves.
 */
export interface AuditTrail extends AuditWriter {
  on(transaction: SqlTransaction): AuditWriter;
}

export type RefusalEntry = AuditEntry & { readonly origin: AuditOrigin };

/**
 * The audit trail for what anybody can make happen as often as they like: so many entries a minute, and one that
 * counts the rest.
 */
export interface RefusalTrail {
  record(entry: RefusalEntry): Promise<void>;
}

/** Something that a device which is known asked for or said, and that was not taken. */
export interface DeviceRefusal {
  readonly deviceId: number;
  /** `command.response_refused`: as of an entry. */
  readonly action: string;
  /** A code: there are few of them. */
  readonly reason: string;
  /** Of the first in an hour. */
  readonly details?: Readonly<Record<string, unknown>>;
  /** Absent: a message over MQTT. */
  readonly origin?: AuditOrigin;
}

/**
 * The audit trail for what a device can make happen as often as it likes: two entries an hour for each device, action and
 * reason. Never throws, and nobody waits for it.
 */
export interface DeviceRefusals {
  note(refusal: DeviceRefusal): void;
}

/** A stored entry. Instants are epoch milliseconds. */
export interface AuditRecord {
  readonly id: number;
  readonly userId: number | null;
  /** The role that the user had. */
  readonly userRole: UserRole | null;
  readonly action: string;
  readonly resourceType: string;
  readonly resourceId: string | null;
  readonly details: Readonly<Record<string, unknown>>;
  readonly ipAddress: string | null;
  readonly requestId: string | null;
  readonly createdAt: number;
}

/** Every given field must match. */
export interface AuditFilter {
  readonly userId?: OneOrMore<number>;
  readonly action?: OneOrMore<string>;
  readonly resourceType?: OneOrMore<string>;
  readonly resourceId?: OneOrMore<string>;
  readonly requestId?: OneOrMore<string>;
  /** Epoch milliseconds, inclusive. */
  readonly from?: number;
  /** Epoch milliseconds, exclusive. */
  readonly to?: number;
  /** Contained in action, resource id, address or details, whatever the case: of the newest 10,000 that match the rest. */
  readonly q?: string;
}

/** What an index gives in order: the trail is never cut, so nothing else can be sorted by. */
export const AUDIT_SORT_FIELDS = ['created_at', 'id'] as const;
export type AuditSortField = (typeof AUDIT_SORT_FIELDS)[number];

export interface AuditReader {
  /** Newest first unless sorted; ties are broken by id, in the direction of the last term. */
  list(
    query: Pick<PageQuery, 'page' | 'size'> & AuditFilter & { readonly sort?: readonly SortTerm<AuditSortField>[] },
  ): Promise<{ readonly items: readonly AuditRecord[]; readonly total: number }>;
}

/** What an update changed, for `details`: `{ changes: { name: { from: 'a', to: 'b' } } }`. */
export function changedFields(
  before: Readonly<Record<string, unknown>>,
  after: Readonly<Record<string, unknown>>,
): { readonly changes: Readonly<Record<string, { readonly from: unknown; readonly to: unknown }>> } {
  const names = Object.keys(after).filter((name) => before[name] !== after[name]);
  return { changes: Object.fromEntries(names.map((name) => [name, { from: before[name], to: after[name] }])) };
}
