import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { USER_ROLES, type UserRole } from '#kernel/access.ts';
import { createEventBus } from '#kernel/events.ts';
import { silentLogger } from '#kernel/logger.ts';
import type { AuditEntry } from '#platform/audit/audit.port.ts';
import type { SqlStore } from '#platform/sql/sql.port.ts';
import { createTestClock, type TestClock } from '#test/support/clock.ts';
import { createSqliteTestDocuments, type TestDocuments } from '#test/support/documents.ts';
import { createTestApp, PRINCIPALS, type TestApp } from '#test/support/http.ts';
import { createJobsHarness, type JobsHarness } from '#test/support/jobs.ts';
import { createTestSql } from '#test/support/sql.ts';
import { notificationsMigrations } from './migrations/index.ts';
import type { NotificationsApi } from './notifications.api.ts';
import { createNotificationsCore, createNotificationsModule } from './notifications.module.ts';

const URL = '/api/v1/notifications';
const noRealtime = { namespace: () => ({ emit: () => {} }) } as never;

let clock: TestClock;
let documents: TestDocuments;
let jobs: JobsHarness;
let api: NotificationsApi;
let app: TestApp;
let audited: AuditEntry[];
let sql: SqlStore;

beforeEach(async () => {
  clock = createTestClock();
  documents = createSqliteTestDocuments(clock);
  jobs = createJobsHarness(clock);
  audited = [];
  sql = await createTestSql(notificationsMigrations);
  const events = createEventBus(silentLogger);
  api = createNotificationsCore({ documents: documents.store, events, clock });
  const module = createNotificationsModule({
    api,
    users: { listContacts: async () => [] },
    jobs: jobs.jobs,
    persistence: { sql, audit: { record: async (entry) => void audited.push(entry) } },
    live: { realtime: noRealtime, events },
    clock,
    channels: { email: false, webhookEndpoints: [], publicUrl: () => '', timeZone: 'UTC' },
  });
  jobs.define(module.jobs);
  await documents.start();
  await jobs.start();
  app = await createTestApp({ routes: module.routes, clock });
});
afterEach(async () => {
  await app.close();
  await sql.stop?.(AbortSignal.timeout(5_000));
  await jobs.stop();
  await documents.stop();
});

const userIdOf = (role: UserRole) => PRINCIPALS[role].userId;

async function tell(role: UserRole, title = 'Hello'): Promise<string> {
  clock.advance(1);
  const content = { type: 'alert', title, message: 'It is hot.', data: { device_id: 7 } };
  await api.deliver({ key: `${title} ${clock.now()}`, userIds: [userIdOf(role)], ...content });
  return (await api.list(userIdOf(role), { page: 1, size: 1 })).items[0]?.id ?? '';
}

describe.each(USER_ROLES)('as %s', (role) => {
  const as = PRINCIPALS[role];
  const other = role === 'USER' ? 'ADMIN' : 'USER';

  test('I see, read and delete my own', async () => {
    const id = await tell(role);
    await tell(other);
    const list = await app.request({ url: URL, as });
    expect(list.status).toBe(200);
    const view = {
      id,
      type: 'alert',
      title: 'Hello',
      message: 'It is hot.',
      data: { device_id: 7 },
      is_read: false,
      read_at: null,
      created_at: '2026-11-23T00:00:00.001Z',
    };
    expect(list.json()).toEqual({ items: [view], total: 1, page: 1, size: 20, pages: 1 });
    expect((await app.request({ url: `${URL}/unread-count`, as })).json()).toEqual({ count: 1 });
    clock.advance(1_000);
    const read = await app.request({ method: 'POST', url: `${URL}/${id}/read`, as });
    expect(read.json()).toEqual({ ...view, is_read: true, read_at: '2026-11-23T00:00:01.002Z' });
    expect((await app.request({ url: `${URL}/unread-count`, as })).json()).toEqual({ count: 0 });
    const unread = await app.request({ method: 'POST', url: `${URL}/${id}/unread`, as });
    expect(unread.json()).toEqual(view);
    expect((await app.request({ url: `${URL}/unread-count`, as })).json()).toEqual({ count: 1 });
    expect((await app.request({ method: 'DELETE', url: `${URL}/${id}`, as })).status).toBe(204);
    expect((await app.request({ url: URL, as })).json().total).toBe(0);
  });

  test("another's is 404, whoever I am", async () => {
    const id = await tell(other);
    for (const request of [
      { method: 'POST', url: `${URL}/${id}/read`, as },
      { method: 'POST', url: `${URL}/${id}/unread`, as },
      { method: 'DELETE', url: `${URL}/${id}`, as },
      { method: 'DELETE', url: `${URL}/none`, as },
    ] as const) {
      const response = await app.request(request);
      expect(response.status).toBe(404);
      expect(response.json().code).toBe('notification_not_found');
    }
    expect(await api.countUnread(userIdOf(other))).toBe(1);
  });

  test('I read all of mine at once', async () => {
    await tell(role);
    await tell(role);
    await tell(other);
    const readAll = await app.request({ method: 'POST', url: `${URL}/read-all`, as });
    expect(readAll.json()).toEqual({ updated: 2 });
    expect(await api.countUnread(userIdOf(other))).toBe(1);
  });
});

describe('lists', () => {
  const as = PRINCIPALS.USER;

  test('by page, newest first or oldest first, by what was read', async () => {
    for (const title of ['a', 'b', 'c']) await tell('USER', title);
    const titles = async (query: Record<string, string | number | boolean>) =>
      (await app.request({ url: URL, as, query })).json().items.map(({ title }: { title: string }) => title);
    expect(await titles({ size: 2 })).toEqual(['c', 'b']);
    expect(await titles({ size: 2, page: 2 })).toEqual(['a']);
    expect(await titles({ sort: 'created_at' })).toEqual(['a', 'b', 'c']);
    const { items } = (await app.request({ url: URL, as })).json();
    await app.request({ method: 'POST', url: `${URL}/${items[1].id}/read`, as });
    expect(await titles({ is_read: true })).toEqual(['b']);
    expect(await titles({ is_read: false })).toEqual(['c', 'a']);
  });

  test.each([{ sort: 'title' }, { size: 101 }, { page: 0 }, { is_read: 'perhaps' }, { user_id: 1 }])(
    '%j is refused',
    async (query) => {
      expect((await app.request({ url: URL, as, query: query as never })).status).toBe(422);
    },
  );
});

describe('broadcast', () => {
  const body = { title: 'Maintenance', message: 'Tonight.' };
  const send = (as: (typeof PRINCIPALS)[UserRole], more: object = {}) =>
    app.request({ method: 'POST', url: `${URL}/broadcast`, as, body: { ...body, ...more } });

  test.each(['SUPERADMIN', 'ADMIN'] as const)('%s may: the job is there when it is answered', async (role) => {
    const response = await send(PRINCIPALS[role], { roles: ['USER'] });
    expect(response.status).toBe(202);
    const { key, job_id } = response.json();
    const [job] = await jobs.all('bulk_notification');
    expect(job).toMatchObject({
      id: job_id,
      queue: 'notifications',
      data: { key, ...body, type: 'broadcast', roles: ['USER'], actor_id: userIdOf(role) },
    });
    expect(audited).toEqual([
      {
        actor: expect.objectContaining(PRINCIPALS[role]),
        action: 'notification.broadcast',
        resourceType: 'notification',
        resourceId: key,
        details: { type: 'broadcast', title: 'Maintenance', roles: ['USER'] },
      },
    ]);
  });

  test.each(['MANAGER', 'USER'] as const)('%s may not', async (role) => {
    expect((await send(PRINCIPALS[role])).status).toBe(403);
    expect(await jobs.all()).toEqual([]);
    expect(audited).toEqual([]);
  });

  test.each([
    { title: '' },
    { title: 'x'.repeat(201) },
    { message: 'x'.repeat(4_001) },
    { type: 'Not snake' },
    { roles: [] },
    { roles: ['DEVICE'] },
    { roles: ['USER', 'USER'] },
    { user_ids: [1] },
  ])('%j is refused', async (more) => {
    expect((await send(PRINCIPALS.ADMIN, more)).status).toBe(422);
  });
});
