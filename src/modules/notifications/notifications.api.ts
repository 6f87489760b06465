import type { Page } from '#kernel/pagination.ts';
import type { Notification, NotificationContent, NotificationQuery } from './notifications.ports.ts';

/** The same content for many users. */
export interface Delivery extends NotificationContent {
  /** With the user it makes the id: whatever was delivered under it to a user before is not delivered again. */
  readonly key: string;
  /** At most 1,000. */
  readonly userIds: readonly number[];
}

/**
 * The module's core: everything that belongs to stored notifications, and all that the rest of the module knows of
 * it. Promise-based and JSON-serialisable, so that it can be in another process (docs/operations.md); its events
 * are `notification.delivered` out and `user.access_changed` in. Suite: notifications.contract.ts.
 */
export interface NotificationsApi {
  /**
   * Stores one notification for each user, and emits `notification.delivered` for those that are new.
   * @returns how many were new
   */
  deliver(delivery: Delivery): Promise<{ readonly stored: number }>;
  /** Newest first unless sorted (by created_at alone). @throws AppError `invalid_sort` */
  list(userId: number, query: NotificationQuery): Promise<Page<Notification>>;
  countUnread(userId: number): Promise<number>;
  /** Idempotent: the first time stays. @throws AppError `notification_not_found`, also for another user's */
  markRead(userId: number, notificationId: string): Promise<Notification>;
  /** The inverse of `markRead`. @throws AppError `notification_not_found`, also for another user's */
  markUnread(userId: number, notificationId: string): Promise<Notification>;
  /** @returns how many were unread */
  markAllRead(userId: number): Promise<number>;
  /** For good: the same key does not bring it back. @throws AppError `notification_not_found`, also for another user's */
  remove(userId: number, notificationId: string): Promise<void>;
}

/** What can be called from another process: all of it. */
export const NOTIFICATIONS_METHODS = [
  'deliver',
  'list',
  'countUnread',
  'markRead',
  'markUnread',
  'markAllRead',
  'remove',
] as const satisfies readonly (keyof NotificationsApi)[];
