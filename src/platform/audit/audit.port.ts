import type { Principal } from '#kernel/access.ts';

/** One line of the audit trail: who did what to what. When, from where and in which request is added. */
export interface AuditEntry {
  /** Who; null: the system itself, or somebody who is not signed in. */
  readonly actor: Principal | null;
  /** `device.created`, `auth.login_failed`: subject and past participle. */
  readonly action: string;
  /** Singular, snake_case: `device`, `user`, `alert_rule`, `system_config`. */
  readonly resourceType: string;
  readonly resourceId: string | null;
  /** JSON-serialisable, snake_case; never a secret, a password or a token. For a change: the fields and values. */
  readonly details?: Readonly<Record<string, unknown>>;
}

/** Append-only. */
export interface AuditWriter {
  /** Part of the transaction that it was made for, if any: the entry is stored if and only if the change is. */
  record(entry: AuditEntry): Promise<void>;
}
