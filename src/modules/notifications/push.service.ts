import { LRUCache } from 'lru-cache';
import { MANAGEMENT } from '#kernel/access.ts';
import type { Clock } from '#kernel/clock.ts';
import { toIso } from '#kernel/clock.ts';
import { grownTo } from '#kernel/lru.ts';
import type { Contact, UsersApi } from '#modules/users/index.ts';
import type { JobQueue } from '#platform/jobs/jobs.port.ts';
import type { NotificationsApi } from './notifications.api.ts';
import { type PushNotification, stableId } from './notifications.ports.ts';
import type { Summaries } from './summaries/summaries.service.ts';
import { NO_EMAIL, unverifiedNotice } from './summaries/summaries.texts.ts';

export interface PushDeps {
  readonly notifications: Pick<NotificationsApi, 'deliver'>;
  readonly users: Pick<UsersApi, 'listContacts'>;
  readonly jobs: JobQueue;
  readonly summaries: Pick<Summaries, 'add'>;
  /** The channels beside `web` that this installation has. */
  readonly channels: { readonly email: boolean; readonly webhookEndpoints: readonly string[] };
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
  /** Users who would have got an e-mail, had they verified their address. */
  readonly withheld: number;
  readonly webhooks: number;
}

const PAGE_SIZE = 500;

/** So many users are remembered who have been told that they get no e-mail; the store knows of all. */
const REMEMBERED = 10_000;

export function createPushService({ notifications, users, jobs, summaries, channels: ways, clock }: PushDeps): Push {
  const { email, webhookEndpoints } = ways;
  const knowing = new LRUCache<number, true>(grownTo(REMEMBERED));

  async function* recipients({ user_ids, management }: PushNotification): AsyncGenerator<readonly Contact[]> {
    const whom = { ids: user_ids, roles: management ? MANAGEMENT : [] };
    for (let afterId = 0; ; ) {
      const page = await users.listContacts({ ...whom, afterId, limit: PAGE_SIZE });
      if (page.length > 0) yield page;
      if (page.length < PAGE_SIZE) return;
      afterId = page.at(-1)?.userId ?? afterId;
    }
  }

  async function deliver(notification: PushNotification, page: readonly Contact[]): Promise<number> {
    if (page.length === 0) return 0;
    const { key, type, title, message, data } = notification;
    const userIds = page.map(({ userId }) => userId);
    return (await notifications.deliver({ key, type, title, message, data, userIds })).stored;
  }

  async function sendEmails({ key, title, message, mail }: PushNotification, page: readonly Contact[]) {
    if (mail !== undefined) await summaries.add(page, key, mail);
    for (const { userId, email: to } of mail === undefined ? page : []) {
      await jobs.enqueue(
        'send_email',
        { to, subject: title, text: `${message}\n` },
        { id: stableId('send_email', key, userId) },
      );
    }
    return page.length;
  }

  /** For what is told by e-mail alone. Once: the key is always the same. */
  async function sayWhyNot(contacts: readonly Contact[]): Promise<void> {
    const unaware = contacts.filter(({ userId }) => !knowing.has(userId));
    for (const [language, some] of Map.groupBy(unaware, (contact) => contact.language)) {
      const userIds = some.map(({ userId }) => userId);
      const content = { type: 'email_unverified', ...unverifiedNotice(language), data: {} };
      await notifications.deliver({ key: 'email_unverified', ...content, userIds });
      for (const userId of userIds) knowing.set(userId, true);
    }
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
      const { channels } = notification;
      const mails = channels.includes('email') && email;
      const result = { users: 0, stored: 0, emails: 0, withheld: 0, webhooks: 0 };
      for await (const page of channels.includes('web') || mails ? recipients(notification) : []) {
        const verified = page.filter(({ isVerified }) => isVerified);
        const withheld = mails ? page.filter(({ isVerified }) => !isVerified) : [];
        result.users += page.length;
        result.withheld += withheld.length;
        if (channels.includes('web')) {
          result.stored += await deliver(notification, mails ? verified : page);
          result.stored += await deliver(withReason(notification), withheld);
        } else await sayWhyNot(withheld);
        if (mails) result.emails += await sendEmails(notification, verified);
      }
      if (channels.includes('webhook')) result.webhooks = await callWebhooks(notification);
      return result;
    },
  };
}

/** An address that nobody has confirmed may be a stranger's: whose it is said to be is told so where it can be. */
function withReason(notification: PushNotification): PushNotification {
  return { ...notification, message: `${notification.message} (${NO_EMAIL})` };
}
