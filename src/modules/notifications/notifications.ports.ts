import { createHash } from 'node:crypto';
import type { UserRole } from '#kernel/access.ts';
import type { PageQuery } from '#kernel/pagination.ts';
import type { MailContent } from './summaries/summaries.ports.ts';

/** How a notification reaches people. `web` is the list and the live event. */
export const CHANNELS = ['web', 'email', 'webhook'] as const;
export type Channel = (typeof CHANNELS)[number];

/** What there is to tell. */
export interface NotificationContent {
  /** `alert`, `broadcast`, … : snake_case */
  readonly type: string;
  readonly title: string;
  readonly message: string;
  /** For programs: what it is about. */
  readonly data: Readonly<Record<string, unknown>>;
}

/** One user's notification, also the document in the collection `notifications`. Instants are epoch milliseconds. */
export interface Notification extends NotificationContent {
  readonly id: string;
  readonly user_id: number;
  readonly is_read: boolean;
  readonly read_at: number | null;
  readonly created_at: number;
}

export interface NotificationQuery extends PageQuery {
  readonly isRead?: boolean;
  /** Contained in type, title or message, of the newest 10,000 that match the rest. */
  readonly q?: string;
}

/** A user's notifications are kept for this long, unless it is said otherwise. */
export const NOTIFICATION_RETENTION_MS = 365 * 86_400_000;

/** Tells some people of one thing: the job `push_notification`. */
export interface PushNotification {
  /** What it is about, once and for all: however often a job with the same key runs, each user is told once. */
  readonly key: string;
  readonly user_ids: readonly number[];
  /** Also every active user of a role in MANAGEMENT. */
  readonly management: boolean;
  /** `alert`, … : snake_case */
  readonly type: string;
  /** One line; also the subject of an e-mail. */
  readonly title: string;
  readonly message: string;
  readonly data: Readonly<Record<string, unknown>>;
  readonly channels: readonly Channel[];
  /** What an e-mail says; absent: title and message, in an e-mail of its own. */
  readonly mail?: MailContent;
}

/** Tells everybody, or everybody of some roles, of one thing, on the web: the job `bulk_notification`. */
export interface BulkNotification {
  readonly key: string;
  readonly type: string;
  readonly title: string;
  readonly message: string;
  /** Absent: every active user. */
  readonly roles?: readonly UserRole[];
  /** Who sent it. */
  readonly actor_id: number;
  /** Where this step begins: behind the last user of the step before. Absent: at the first user. */
  readonly after_user_id?: number;
}

/** The same text for the same parts: 128 bits that say nothing about them. */
export function stableId(...parts: readonly (string | number)[]): string {
  return createHash('sha256').update(parts.join('\n')).digest('hex').slice(0, 32);
}
