import type { UserRole } from '#kernel/access.ts';
import type { Channel } from './notifications.ports.ts';

declare module '#platform/jobs/jobs.port.ts' {
  interface JobMap {
    /** Tells some people of one thing. Whoever enqueues it also gives the job an id, by default its key. */
    push_notification: PushNotification;
    /** Tells everybody, or everybody of some roles, of one thing. */
    bulk_notification: BulkNotification;
  }
}

export interface PushNotification {
  /** What it is about, once and for all: however often a job with the same key runs, each user is told once. */
  readonly key: string;
  readonly user_ids: readonly number[];
  /** Also every active user of a role in MANAGEMENT. */
  readonly management: boolean;
  /** `alert`, … : snake_case */
  readonly type: string;
  readonly title: string;
  readonly message: string;
  readonly data: Readonly<Record<string, unknown>>;
  readonly channels: readonly Channel[];
}

export interface BulkNotification {
  readonly key: string;
  readonly type: string;
  readonly title: string;
  readonly message: string;
  /** Absent: every active user. */
  readonly roles?: readonly UserRole[];
  /** Who sent it. */
  readonly actor_id: number;
}
