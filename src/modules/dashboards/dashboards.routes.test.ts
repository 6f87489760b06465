import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Principal, USER_ROLES, type UserRole } from '#kernel/access.ts';
import { defined } from '#kernel/defined.ts';
import { createEventBus, type EventBus } from '#kernel/events.ts';
import { silentLogger } from '#kernel/logger.ts';
import { usersMigrations } from '#modules/users/index.ts';
import { createAuditTrail } from '#platform/audit/audit.ts';
import type { SqlStore } from '#platform/sql/sql.port.ts';
import { auditedOn } from '#test/support/audit.ts';
import { createTestClock } from '#test/support/clock.ts';
import { createTestApp, type TestApp, type TestRequest } from '#test/support/http.ts';
import { createTestSql } from '#test/support/sql.ts';
import { createTestUsers } from '#test/support/users.ts';
import { createDashboardsModule, dashboardsMigrations } from './index.ts';

const URL = '/api/v1/dashboards';

const clock = createTestClock();
let sql: SqlStore;
let app: TestApp;
let events: EventBus;
let users: ReturnType<typeof createTestUsers>;
const actors = {} as Record<UserRole, Principal>;
let people = 0;

async function person(role: UserRole): Promise<Principal> {
  people += 1;
  const user = await users.api.create({ email: `p${people}@example.com`, password: 'correct horse', role });
  return { userId: user.id, role };
}

beforeAll(async () => {
  sql = await createTestSql(usersMigrations, dashboardsMigrations);
  events = createEventBus(silentLogger);
  const audit = createAuditTrail({ sql, clock });
  users = createTestUsers({ sql, audit, clock, events });
  app = await createTestApp({ routes: createDashboardsModule({ sql, audit, clock, events }).routes, clock });
  for (const role of USER_ROLES) actors[role] = await person(role);
});
afterAll(async () => {
  await app.close();
  await sql.stop?.(AbortSignal.timeout(1_000));
});

const call = (method: NonNullable<TestRequest['method']>, path: string, as: Principal, body?: unknown) =>
  app.request({ method, url: `${URL}${path}`, as, ...defined({ body }) });

async function made(as: Principal, body: object = {}) {
  const answer = await call('POST', '', as, { name: 'Hall', ...body });
  expect(answer.status, answer.text).toBe(201);
  return answer.json();
}

describe('who may see and change it', () => {
  const shares = ['private', 'management', 'all'] as const;
  let owner: Principal;
  beforeEach(async () => {
    owner = await person('MANAGER');
  });

  test.each(shares)('its owner everything, of one that is shared %s', async (shared) => {
    const { id } = await made(owner, { shared });
    expect((await call('GET', `/${id}`, owner)).json()).toMatchObject({ id, shared, owner_id: owner.userId });
    expect((await call('PATCH', `/${id}`, owner, { name: 'Other' })).json()).toMatchObject({ name: 'Other', shared });
    expect((await call('DELETE', `/${id}`, owner)).status).toBe(204);
    expect((await call('GET', `/${id}`, owner)).status).toBe(404);
  });

  /** What each other role gets: the status of GET, and of PATCH and DELETE. */
  const others = {
    private: { SUPERADMIN: [404, 404, 404], ADMIN: [404, 404, 404], MANAGER: [404, 404, 404], USER: [404, 404, 404] },
    management: {
      SUPERADMIN: [200, 200, 204],
      ADMIN: [200, 200, 204],
      MANAGER: [200, 403, 403],
      USER: [404, 404, 404],
    },
    all: { SUPERADMIN: [200, 200, 204], ADMIN: [200, 200, 204], MANAGER: [200, 403, 403], USER: [200, 403, 403] },
  } as const;
  const cases = shares.flatMap((shared) =>
    USER_ROLES.map((role) => ({ shared, role, expected: others[shared][role] })),
  );

  test.each(cases)('shared $shared, another $role: $expected', async ({ shared, role, expected }) => {
    const { id } = await made(owner, { shared });
    const as = await person(role);
    const answers = [
      await call('GET', `/${id}`, as),
      await call('PATCH', `/${id}`, as, { name: 'Theirs' }),
      await call('DELETE', `/${id}`, as),
    ];
    expect(answers.map(({ status }) => status)).toEqual(expected);
    for (const answer of answers) {
      if (answer.status === 403) expect(answer.json().code).toBe('dashboard_not_yours');
      if (answer.status === 404) expect(answer.json().code).toBe('dashboard_not_found');
    }
    const listed = (await call('GET', `?size=100&owner_id=${owner.userId}`, as)).json();
    // Whoever could has deleted it by now.
    expect(listed.total).toBe(expected[0] === 200 && expected[2] !== 204 ? 1 : 0);
  });

  test('the list has what one sees, by name, without what is on it', async () => {
    await made(owner, { name: 'b of mine' });
    await made(owner, { name: 'a of all', shared: 'all' });
    await made(owner, { name: 'c of management', shared: 'management' });
    const names = async (as: Principal, query = '') => {
      const { items } = (await call('GET', `?owner_id=${owner.userId}${query}`, as)).json();
      return items.map(({ name }: { name: string }) => name);
    };
    expect(await names(owner)).toEqual(['a of all', 'b of mine', 'c of management']);
    expect(await names(actors.MANAGER, '&sort=-name')).toEqual(['c of management', 'a of all']);
    expect(await names(actors.USER)).toEqual(['a of all']);
    expect(await names(owner, '&shared=private,all')).toEqual(['a of all', 'b of mine']);
    expect(await names(owner, '&q=MINE')).toEqual(['b of mine']);
    const [first] = (await call('GET', `?owner_id=${owner.userId}`, owner)).json().items;
    expect(first).not.toHaveProperty('widgets');
    expect(first).toMatchObject({ widget_count: 0, created_at: '2026-11-23T00:00:00.000Z' });
  });

  test('the private ones of a user that is deleted are gone, what it has shared stays', async () => {
    const own = await made(owner);
    const shared = await made(owner, { shared: 'all' });
    events.emit('user.access_changed', clock.now(), { user_id: owner.userId, reason: 'deactivated' });
    expect((await call('GET', `/${own.id}`, owner)).status).toBe(200);
    events.emit('user.access_changed', clock.now(), { user_id: owner.userId, reason: 'deleted' });
    await expect.poll(async () => (await call('GET', `/${own.id}`, owner)).status).toBe(404);
    expect((await call('GET', `/${shared.id}`, actors.USER)).status).toBe(200);
  });
});

describe('two who change it at the same time', () => {
  const patch = (id: number, body: object, etag: string | undefined, as = actors.ADMIN) =>
    app.request({ method: 'PATCH', url: `${URL}/${id}`, as, body, headers: defined({ 'if-match': etag }) });

  test('the second is told so, and what the first made stays', async () => {
    const { id } = await made(actors.ADMIN, { shared: 'all' });
    const seen = (await call('GET', `/${id}`, actors.ADMIN)).headers['etag'];
    const first = await patch(id, { name: 'Of the first' }, seen);
    expect(first.status).toBe(200);
    const second = await patch(id, { name: 'Of the second' }, seen, actors.SUPERADMIN);
    expect([second.status, second.json().code]).toEqual([412, 'precondition_failed']);
    expect((await call('GET', `/${id}`, actors.ADMIN)).json().name).toBe('Of the first');
    expect((await patch(id, { name: 'After a look' }, first.headers['etag'])).status).toBe(200);
    for (const any of ['*', undefined]) expect((await patch(id, { name: `By ${any}` }, any)).status).toBe(200);
    expect((await patch(id, { name: 'x' }, 'abc')).status).toBe(422);
  });

  test('each change has a version of its own, also within a millisecond; saying the same again makes none', async () => {
    const created = await made(actors.ADMIN);
    const tags = [`"${Date.parse(created.updated_at)}"`];
    for (const name of ['a', 'b', 'c'])
      tags.push((await patch(created.id, { name }, tags.at(-1))).headers['etag'] ?? '');
    expect(new Set(tags).size).toBe(4);
    expect((await patch(created.id, { name: 'c' }, tags.at(-1))).headers['etag']).toBe(tags.at(-1));
  });
});

test('nobody but its owner makes it private: it would be gone for whoever did', async () => {
  const owner = await person('MANAGER');
  const { id } = await made(owner, { shared: 'management' });
  const refused = await call('PATCH', `/${id}`, actors.ADMIN, { shared: 'private' });
  expect([refused.status, refused.json().code]).toEqual([403, 'dashboard_not_yours']);
  expect((await call('PATCH', `/${id}`, actors.ADMIN, { shared: 'all' })).status).toBe(200);
  expect((await call('PATCH', `/${id}`, owner, { shared: 'private' })).status).toBe(200);
});

test('what is on it is kept as it is, and replaced as a whole', async () => {
  const widgets = [
    {
      id: 'a',
      type: 'chart',
      title: '온도',
      options: { series: [{ device_id: 1, metric: 't' }], nested: { on: [true, null] } },
    },
    { id: 'b', type: 'of_tomorrow', title: null, options: {} },
  ];
  const layout = [{ i: 'b', x: 6, y: 0, w: 6, h: 4 }];
  const created = await made(actors.USER, { layout, widgets });
  expect(created).toMatchObject({ layout, widgets, shared: 'private' });
  clock.advance(1_000);
  const answer = await call('PATCH', `/${created.id}`, actors.USER, { widgets: widgets.slice(1) });
  expect(answer.json()).toEqual({
    ...created,
    widgets: widgets.slice(1),
    updated_at: expect.not.stringMatching(created.updated_at),
  });
  expect((await call('GET', `/${created.id}`, actors.USER)).json()).toEqual(answer.json());
  // Without a widget that is placed.
  const orphaned = await call('PATCH', `/${created.id}`, actors.USER, { widgets: widgets.slice(0, 1) });
  expect([orphaned.status, orphaned.json().code]).toEqual([422, 'dashboard_invalid']);
});

test('each change is one entry of the audit trail, with what is on it counted and not told', async () => {
  const widgets = [{ id: 'a', type: 'text', options: { text: 'of nobody’s business' } }];
  const { id } = await made(actors.ADMIN);
  for (let count = 0; count < 2; count++) await call('PATCH', `/${id}`, actors.ADMIN, { shared: 'all', widgets });
  await call('DELETE', `/${id}`, actors.ADMIN);
  const found = (await auditedOn(sql)).filter(
    ({ resourceType, resourceId }) => resourceType === 'dashboard' && resourceId === String(id),
  );
  expect(found.map(({ action, userId, resourceType, details }) => ({ action, userId, resourceType, details }))).toEqual(
    [
      { action: 'dashboard.created', details: { name: 'Hall', shared: 'private', widgets: 0 } },
      {
        action: 'dashboard.updated',
        details: {
          changes: { shared: { from: 'private', to: 'all' }, widgets: { from: 0, to: 1 } },
          content_changed: true,
        },
      },
      { action: 'dashboard.deleted', details: { name: 'Hall', shared: 'all', widgets: 1 } },
    ].map((entry) => ({ ...entry, userId: actors.ADMIN.userId, resourceType: 'dashboard' })),
  );
});

describe('limits', () => {
  const widget = (id: string, options: object = {}) => ({ id, type: 'text', options });
  const nested = (levels: number): object => (levels === 0 ? {} : { in: nested(levels - 1) });
  const place = (i: string) => ({ i, x: 0, y: 0, w: 1, h: 1 });

  test.each([
    ['/name', { name: ' ' }],
    ['/name', { name: 'a'.repeat(101) }],
    ['/shared', { shared: 'friends' }],
    ['/widgets', { widgets: Array.from({ length: 51 }, (_, index) => widget(`w${index}`)) }],
    ['/widgets/0/id', { widgets: [widget('no id')] }],
    ['/widgets/0/type', { widgets: [{ ...widget('a'), type: 'Chart' }] }],
    ['/widgets/0/options', { widgets: [{ ...widget('a'), options: [] }] }],
    ['/widgets/1/id', { widgets: [widget('a'), widget('a')] }],
    ['/widgets/0/options/in', { widgets: [widget('a', nested(12))] }],
    ['', { widgets: [widget('a', { text: 'a'.repeat(64 * 1024) })] }],
    ['/layout/0/i', { widgets: [widget('a')], layout: [place('b')] }],
    ['/layout/1/i', { widgets: [widget('a')], layout: [place('a'), place('a')] }],
    ['/layout/0/w', { widgets: [widget('a')], layout: [{ ...place('a'), w: 0 }] }],
    ['/other', { other: 1 }],
  ])('refuses what is wrong at %s', async (path, body) => {
    const answer = await call('POST', '', actors.USER, { name: 'Hall', ...body });
    expect(answer.status, answer.text).toBe(422);
    expect(answer.json().errors[0].path).toMatch(new RegExp(`^(/body)?${path}`));
  });

  test('64 KiB are taken', async () => {
    const empty = JSON.stringify({ layout: [], widgets: [{ ...widget('a', { text: '' }), title: null }] });
    const text = 'a'.repeat(64 * 1024 - empty.length);
    const { id } = await made(actors.USER, { widgets: [widget('a', { text })] });
    expect((await call('GET', `/${id}`, actors.USER)).json().widgets[0].options.text).toHaveLength(text.length);
    const longer = await call('PATCH', `/${id}`, actors.USER, { widgets: [widget('a', { text: `${text}a` })] });
    expect([longer.status, longer.json().errors[0].message]).toEqual([422, 'must be at most 65536 bytes as JSON']);
  });

  test('100 per user: the next one has to wait until one is deleted', async () => {
    const as = await person('USER');
    const { id } = await made(as);
    for (let count = 1; count < 100; count++) await made(as);
    const answer = await call('POST', '', as, { name: 'One more' });
    expect([answer.status, answer.json().code]).toEqual([409, 'too_many_dashboards']);
    await call('DELETE', `/${id}`, as);
    await made(as);
  });
});
