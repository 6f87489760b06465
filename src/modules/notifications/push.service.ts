import { MANAGEMENT } from '#kernel/access.ts';
import type { Clock } from '#kernel/clock.ts';
import { toIso } from '#kernel/clock.ts';
import type { Contact, UsersApi } from '#modules/users/index.ts';
import type { JobQueue } from '#platform/jobs/jobs.port.ts';
import type { NotificationsApi } from './notifications.api.ts';
import { type PushNotification, stableId } from './notifications.ports.ts';

export interface PushDeps {
  readonly notifications: Pick<NotificationsApi, 'deliver'>;
  readonly users: Pick<UsersApi, 'listContacts'>;
  readonly jobs: JobQueue;
  /** The channels beside `web` that this installation has. */
  readonly email: boolean;
  readonly webhookEndpoints: readonly string[];
  readonly clock: Clock;
}

export interface Push {
  /**
   * Tells each channel's part. What leaves the house, an e-mail to each user and a call of each webhook, becomes a
   * job of its own, which is repeated by itself. Again changes nothing.
   */
  push(notification: PushNotification): Promise<PushResult>;
}

export interface PushResult {
  readonly users: number;
  readonly stored: number;
  readonly emails: number;
  readonly webhooks: number;
}

const PAGE_SIZE = 500;

export function createPushService({ notifications, users, jobs, email, webhookEndpoints, clock }: PushDeps): Push {
  async function* recipients({ user_ids, management }: PushNotification): AsyncGenerator<readonly Contact[]> {
    const whom = { ids: user_ids, roles: management ? MANAGEMENT : [] };
    for (let afterId = 0; ; ) {
      const page = await users.listContacts({ ...whom, afterId, limit: PAGE_SIZE });
      if (page.length > 0) yield page;
      if (page.length < PAGE_SIZE) return;
      afterId = page.at(-1)?.userId ?? afterId;
    }
  }

  /** An address that nobody has confirmed may be a stranger's. */
  async function sendEmails({ key, title, message }: PushNotification, page: readonly Contact[]): Promise<number> {
    const verified = page.filter(({ isVerified }) => isVerified);
    for (const { userId, email: to } of verified) {
      await jobs.enqueue(
        'send_email',
        { to, subject: title, text: `${message}\n` },
        { id: stableId('send_email', key, userId) },
      );
    }
    return verified.length;
  }

  async function callWebhooks({ key, type, title, message, data }: PushNotification): Promise<number> {
    const body = { id: stableId('webhook', key), type, created_at: toIso(clock.now()), title, message, data };
    for (const endpoint of webhookEndpoints) {
      await jobs.enqueue(
        'send_webhook',
        { endpoint, id: body.id, body },
        { id: stableId('send_webhook', key, endpoint) },
      );
    }
    return webhookEndpoints.length;
  }

  return {
    async push(notification) {
      const { key, type, title, message, data, channels } = notification;
      const result = { users: 0, stored: 0, emails: 0, webhooks: 0 };
      const people = channels.includes('web') || (channels.includes('email') && email);
      for await (const page of people ? recipients(notification) : []) {
        result.users += page.length;
        if (channels.includes('web')) {
          const userIds = page.map(({ userId }) => userId);
          result.stored += (await notifications.deliver({ key, type, title, message, data, userIds })).stored;
        }
        if (channels.includes('email') && email) result.emails += await sendEmails(notification, page);
      }
      if (channels.includes('webhook')) result.webhooks = await callWebhooks(notification);
      return result;
    },
  };
}
