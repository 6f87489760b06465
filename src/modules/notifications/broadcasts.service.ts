import type { Principal, UserRole } from '#kernel/access.ts';
import { defined } from '#kernel/defined.ts';
import { createId } from '#kernel/ids.ts';
import type { UsersApi } from '#modules/users/index.ts';
import type { AuditWriter } from '#platform/audit/audit.port.ts';
import type { JobQueue } from '#platform/jobs/jobs.port.ts';
import type { NotificationsApi } from './notifications.api.ts';
import { type BulkNotification, stableId } from './notifications.ports.ts';

export interface BroadcastInput {
  readonly type: string;
  readonly title: string;
  readonly message: string;
  readonly roles?: readonly UserRole[];
}

export interface Broadcasts {
  /** Durable when it resolves; nobody has been told yet. */
  request(actor: Principal, input: BroadcastInput): Promise<{ readonly key: string; readonly job_id: string }>;
  /** Tells the next users and makes the job for those after them. Again changes nothing. */
  step(broadcast: BulkNotification): Promise<{ readonly users: number; readonly stored: number }>;
}

export interface BroadcastsDeps {
  readonly notifications: Pick<NotificationsApi, 'deliver'>;
  readonly users: Pick<UsersApi, 'listContacts'>;
  readonly jobs: JobQueue;
  readonly audit: AuditWriter;
}

/** Users that one job tells: a job is short, and one that is cut off repeats little. */
export const STEP_SIZE = 500;

/** To all users, in steps of which each is a job of its own. */
export function createBroadcastsService({ notifications, users, jobs, audit }: BroadcastsDeps): Broadcasts {
  return {
    async request(actor, input) {
      const key = createId();
      await audit.record({
        actor,
        action: 'notification.broadcast',
        resourceType: 'notification',
        resourceId: key,
        details: { type: input.type, title: input.title, roles: input.roles ?? null },
      });
      const job_id = await jobs.enqueue('bulk_notification', { key, ...input, actor_id: actor.userId }, { id: key });
      return { key, job_id };
    },

    async step(broadcast) {
      const { key, type, title, message, roles, after_user_id: afterId = 0 } = broadcast;
      const contacts = await users.listContacts({
        afterId,
        limit: STEP_SIZE,
        ...defined({ roles }),
      });
      const last = contacts.at(-1);
      if (last === undefined) return { users: 0, stored: 0 };
      const userIds = contacts.map(({ userId }) => userId);
      const { stored } = await notifications.deliver({ key, type, title, message, data: {}, userIds });
      if (contacts.length === STEP_SIZE) {
        const next = { ...broadcast, after_user_id: last.userId };
        await jobs.enqueue('bulk_notification', next, { id: stableId('bulk_notification', key, last.userId) });
      }
      return { users: contacts.length, stored };
    },
  };
}
