import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createEventBus } from '#kernel/events.ts';
import { silentLogger } from '#kernel/logger.ts';
import type { UsersApi } from '#modules/users/index.ts';
import { usersMigrations } from '#modules/users/index.ts';
import { createAuditTrail } from '#platform/audit/audit.ts';
import { createMailJobs } from '#platform/mail/mail.jobs.ts';
import type { MailMessage } from '#platform/mail/mail.port.ts';
import type { SqlStore } from '#platform/sql/sql.port.ts';
import { createWebhookJobs } from '#platform/webhook/webhook.jobs.ts';
import type { WebhookMessage } from '#platform/webhook/webhook.port.ts';
import { createTestClock, type TestClock } from '#test/support/clock.ts';
import { createSqliteTestDocuments, type TestDocuments } from '#test/support/documents.ts';
import { createJobsHarness, type JobsHarness } from '#test/support/jobs.ts';
import { createTestSql } from '#test/support/sql.ts';
import { createTestUsers } from '#test/support/users.ts';
import { STEP_SIZE } from './broadcasts.service.ts';
import { notificationsMigrations } from './migrations/index.ts';
import type { Delivery, NotificationsApi } from './notifications.api.ts';
import type { NotificationDelivered } from './notifications.events.ts';
import { createNotificationsCore, createNotificationsModule } from './notifications.module.ts';
import type { PushNotification } from './notifications.ports.ts';

let clock: TestClock;
let sql: SqlStore;
let documents: TestDocuments;
let jobs: JobsHarness;
let users: UsersApi;
let api: NotificationsApi;
let delivered: NotificationDelivered[];
let mails: MailMessage[];
let calls: { readonly endpoint: string; readonly message: WebhookMessage }[];
/** What each `deliver` meets before it is done. */
let beforeDeliver: (delivery: Delivery) => Promise<void>;
/** Of each `listContacts`. */
let contactsAsked: number;

async function setUp({ email = true }: { readonly email?: boolean } = {}): Promise<void> {
  clock = createTestClock();
  sql = await createTestSql(usersMigrations, notificationsMigrations);
  documents = createSqliteTestDocuments(clock);
  jobs = createJobsHarness(clock);
  delivered = [];
  mails = [];
  calls = [];
  contactsAsked = 0;
  beforeDeliver = async () => {};
  const events = createEventBus(silentLogger);
  const audit = createAuditTrail({ sql, clock });
  users = createTestUsers({ sql, audit, clock, events }).api;
  events.on('notification.delivered', ({ data }) => void delivered.push(data));
  api = createNotificationsCore({ documents: documents.store, events, clock });
  const module = createNotificationsModule({
    api: {
      ...api,
      async deliver(delivery) {
        await beforeDeliver(delivery);
        return await api.deliver(delivery);
      },
    },
    users: {
      listContacts: (query) => {
        contactsAsked += 1;
        return users.listContacts(query);
      },
    },
    jobs: jobs.jobs,
    persistence: { sql, audit },
    live: { realtime: { namespace: () => ({ emit: () => {} }) } as never, events },
    clock,
    channels: {
      email,
      webhookEndpoints: ['hook-1', 'hook-2'],
      publicUrl: () => 'https://iot.example.com',
      timeZone: 'Asia/Seoul',
    },
  });
  jobs.define([
    ...module.jobs,
    ...createMailJobs({
      name: 'mail',
      isConfigured: true,
      send: async (mail) => void mails.push(mail),
      ping: async () => {},
    }),
    ...createWebhookJobs({
      endpoints: ['hook-1', 'hook-2'],
      async send(endpoint, message) {
        calls.push({ endpoint, message });
        return { status: 204 };
      },
    }),
  ]);
  await documents.start();
  await jobs.start();
}

beforeEach(() => setUp());
afterEach(tearDown);

async function tearDown(): Promise<void> {
  await jobs.stop();
  await documents.stop();
  await sql.stop?.(AbortSignal.timeout(1_000));
}

/** Users without a password to check, many at once. @returns their ids */
async function addUsers(count: number, row: object = {}): Promise<readonly number[]> {
  const db = sql.db<{ users: Record<string, unknown> }>();
  const now = clock.now();
  const taken = Number(
    (
      await db
        .selectFrom('users')
        .select((eb) => eb.fn.countAll().as('n'))
        .executeTakeFirst()
    )?.['n'],
  );
  const rows = Array.from({ length: count }, (_, index) => {
    const email = `user-${taken + index}@example.com`;
    return {
      ...{ email, active_email: email, hashed_pwd: 'x', role: 'USER', is_active: 1, is_verified: 1 },
      ...{ tokens_valid_after: 0, created_at: now, updated_at: now, ...row },
    };
  });
  for (let at = 0; at < rows.length; at += 200) {
    await db
      .insertInto('users')
      .values(rows.slice(at, at + 200))
      .execute();
  }
  const ids = await db.selectFrom('users').select('id').orderBy('id').execute();
  return ids.slice(-count).map(({ id }) => Number(id));
}

const push = (more: Partial<PushNotification> & Pick<PushNotification, 'key'>, id = more.key) =>
  jobs.jobs.enqueue(
    'push_notification',
    {
      ...{ user_ids: [], management: false, type: 'alert', title: 'Too hot', message: 'It is 41 °C.' },
      ...{ data: { device_id: 7 }, channels: ['web'], ...more },
    },
    { id },
  );
const countOf = async (userId: number) => (await api.list(userId, { page: 1, size: 1 })).total;

describe('push_notification', () => {
  test('tells the users that it names and, if asked for, the management', async () => {
    const [owner = 0, other = 0] = await addUsers(2);
    const [admin = 0] = await addUsers(1, { role: 'ADMIN' });
    const [manager = 0] = await addUsers(1, { role: 'MANAGER' });
    const [inactive = 0] = await addUsers(1, { role: 'MANAGER', is_active: 0 });
    await push({ key: 'a', user_ids: [owner, inactive, 99_999] });
    await push({ key: 'b', user_ids: [owner, manager], management: true });
    await push({ key: 'c' });
    await jobs.runUntilIdle();
    const ids = [owner, other, admin, manager, inactive];
    expect(await Promise.all(ids.map(countOf))).toEqual([2, 0, 1, 1, 0]);
    expect((await jobs.all('push_notification')).map(({ state, result }) => ({ state, result }))).toEqual(
      expect.arrayContaining([
        { state: 'done', result: { users: 1, stored: 1, emails: 0, withheld: 0, webhooks: 0 } },
        { state: 'done', result: { users: 3, stored: 3, emails: 0, withheld: 0, webhooks: 0 } },
        { state: 'done', result: { users: 0, stored: 0, emails: 0, withheld: 0, webhooks: 0 } },
      ]),
    );
  });

  test('the same key under another job tells nobody twice, by no channel', async () => {
    const [one = 0] = await addUsers(1);
    for (const job of ['first', 'second', 'third']) {
      await push({ key: 'same', user_ids: [one], channels: ['web', 'email', 'webhook'] }, job);
      await jobs.runUntilIdle();
    }
    expect(await jobs.all('push_notification')).toHaveLength(3);
    expect(await countOf(one)).toBe(1);
    expect(delivered).toHaveLength(1);
    expect(mails).toEqual([{ to: 'user-0@example.com', subject: 'Too hot', text: 'It is 41 °C.\n' }]);
    expect(calls.map(({ endpoint }) => endpoint).toSorted()).toEqual(['hook-1', 'hook-2']);
  });

  test('a try that was cut off in the middle is made good by the next, and repeats nothing', async () => {
    const ids = await addUsers(STEP_SIZE + 20);
    let tries = 0;
    beforeDeliver = async ({ userIds }) => {
      if (!userIds.includes(ids.at(-1) ?? 0)) return;
      tries += 1;
      if (tries === 1) throw new Error('killed');
    };
    await push({ key: 'k', user_ids: ids, channels: ['web', 'email'] });
    await jobs.runUntilIdle();
    expect(mails).toHaveLength(STEP_SIZE);
    clock.advance(86_400_000);
    await jobs.runUntilIdle();
    expect(tries).toBe(2);
    const told = delivered.flatMap(({ recipients }) => recipients.map(({ user_id }) => user_id));
    expect(told).toEqual(ids);
    expect(new Set(mails.map(({ to }) => to)).size).toBe(ids.length);
    expect(mails).toHaveLength(ids.length);
  });

  test('an e-mail goes to addresses that are known to be theirs', async () => {
    const [verified = 0] = await addUsers(1);
    const [not = 0] = await addUsers(1, { is_verified: 0 });
    await push({ key: 'k', user_ids: [verified, not], channels: ['email'] });
    await jobs.runUntilIdle();
    expect(mails.map(({ to }) => to)).toEqual(['user-0@example.com']);
    expect(await jobs.all('push_notification')).toMatchObject([{ result: { emails: 1, withheld: 1 } }]);
    await push({ key: 'l', user_ids: [verified, not], channels: ['email'] });
    await jobs.runUntilIdle();
    // Whose address is not verified is told why there is no mail, once.
    expect([await countOf(verified), await countOf(not)]).toEqual([0, 1]);
    expect((await api.list(not, { page: 1, size: 1 })).items).toMatchObject([
      { type: 'email_unverified', title: 'Alerts do not reach you by e-mail' },
    ]);
  });

  test('while e-mail is off there is no job for it, and nobody is looked for', async () => {
    await tearDown();
    await setUp({ email: false });
    const [one = 0] = await addUsers(1);
    await push({ key: 'k', user_ids: [one], channels: ['email'] });
    await jobs.runUntilIdle();
    expect(await jobs.all('send_email')).toEqual([]);
    expect(contactsAsked).toBe(0);
  });

  test('a webhook is called once for all recipients, with the same id at every address', async () => {
    const ids = await addUsers(3);
    await push({ key: 'k', user_ids: ids, channels: ['webhook'] });
    await jobs.runUntilIdle();
    expect(calls).toHaveLength(2);
    const [first, second] = calls;
    expect(first?.message).toEqual(second?.message);
    expect(first?.message).toEqual({
      id: expect.stringMatching(/^[0-9a-f]{32}$/),
      body: {
        id: first?.message.id,
        type: 'alert',
        created_at: '2026-11-23T00:00:00.000Z',
        title: 'Too hot',
        message: 'It is 41 °C.',
        data: { device_id: 7 },
      },
    });
  });
});

describe('bulk_notification', () => {
  const broadcast = (more: object = {}) =>
    jobs.jobs.enqueue(
      'bulk_notification',
      { key: 'b', type: 'broadcast', title: 'Hello', message: 'All of you.', actor_id: 1, ...more },
      { id: 'b' },
    );

  test('everybody is told once, in steps, whatever is cut off', async () => {
    const ids = await addUsers(3 * STEP_SIZE + 1);
    const [off = 0] = await addUsers(1, { is_active: 0 });
    let deliveries = 0;
    // Every second step dies after it has told everybody and before it has made the next job.
    beforeDeliver = async (delivery) => {
      deliveries += 1;
      if (deliveries % 2 === 0) return;
      await api.deliver(delivery);
      throw new Error('killed');
    };
    await broadcast();
    for (let round = 0; round < 6; round += 1) {
      await jobs.runUntilIdle();
      clock.advance(86_400_000);
    }
    expect(deliveries).toBe(8);
    const told = delivered.flatMap(({ recipients }) => recipients.map(({ user_id }) => user_id));
    expect(told).toEqual(ids);
    expect(await countOf(off)).toBe(0);
    expect((await jobs.all('bulk_notification')).map(({ state }) => state)).toEqual(Array(4).fill('done'));
  });

  test('a step that runs again makes no second chain', async () => {
    await addUsers(STEP_SIZE + 1);
    await broadcast();
    await jobs.runUntilIdle();
    await jobs.jobs.enqueue(
      'bulk_notification',
      { key: 'b', type: 'broadcast', title: 'Hello', message: 'All of you.', actor_id: 1 },
      { id: 'by hand' },
    );
    await jobs.runUntilIdle();
    expect(await jobs.all('bulk_notification')).toHaveLength(3);
    expect(delivered.flatMap(({ recipients }) => recipients)).toHaveLength(STEP_SIZE + 1);
  });

  test('only the roles that were asked for', async () => {
    const [user = 0] = await addUsers(1);
    const [manager = 0] = await addUsers(1, { role: 'MANAGER' });
    await broadcast({ roles: ['MANAGER'] });
    await jobs.runUntilIdle();
    expect([await countOf(user), await countOf(manager)]).toEqual([0, 1]);
  });
});
