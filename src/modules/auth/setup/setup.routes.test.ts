import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createTestAuth, type TestAuth } from '#test/support/auth.ts';

const URL = '/api/v1/system/setup';
const EMAIL = 'kim@example.com';
const PASSWORD = 'correct horse';

let t: TestAuth;
beforeEach(async () => {
  t = await createTestAuth({ server: { trustProxy: true } });
});
afterEach(() => t.close());

const needed = async () => (await t.request({ url: URL })).json().needed;
const code = async () => (await t.auth.api.setupCode()) ?? '';
const setUp = (body: object, from = '192.0.2.1') =>
  t.request({
    method: 'POST',
    url: URL,
    body: { email: EMAIL, password: PASSWORD, ...body },
    headers: { 'x-forwarded-for': from },
  });

describe('the first user', () => {
  test('is a SUPERADMIN that is signed in, for whoever has the code', async () => {
    expect(await needed()).toBe(true);
    const printed = await code();
    expect(printed).toMatch(/^([A-Z2-7]{4}-){3}[A-Z2-7]{4}$/);
    const answer = await setUp({ code: printed, full_name: 'Kim' });
    expect([answer.status, answer.headers['cache-control']]).toEqual([201, 'no-store']);
    const me = await t.request({ url: '/api/v1/users/me', as: answer.json().access_token });
    expect(me.json()).toMatchObject({ email: EMAIL, role: 'SUPERADMIN', is_verified: true, full_name: 'Kim' });
    const { items } = await t.audit.list({ page: 1, size: 10 });
    expect(items.map(({ action, details }) => [action, details['method']])).toEqual([
      ['auth.login_succeeded', 'setup'],
      ['user.created', undefined],
    ]);
    expect(await needed()).toBe(false);
    expect(await t.auth.api.setupCode()).toBeNull();
    expect((await setUp({ code: printed, email: 'lee@example.com' })).json()).toMatchObject({
      status: 409,
      code: 'setup_done',
    });
  });

  test('a page to sign in learns what else it may offer', async () => {
    expect((await t.request({ url: URL })).json()).toEqual({
      needed: true,
      registration_open: true,
      sends_email: false,
    });
  });

  test('the code may be typed without hyphens and in small letters', async () => {
    expect((await setUp({ code: (await code()).replaceAll('-', ' ').toLowerCase() })).status).toBe(201);
  });

  test('of many at once one is the first', async () => {
    const printed = await code();
    const emails = Array.from({ length: 4 }, (_, index) => `kim${index}@example.com`);
    const answers = await Promise.all(emails.map((email) => setUp({ code: printed, email })));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409]);
    expect(await t.users.counts()).toEqual({ users: 1 });
  });
});

describe('nobody else', () => {
  test('a wrong code is refused, and after ten of an address it is not looked at', async () => {
    const printed = await code();
    for (let count = 0; count < 10; count += 1) {
      expect((await setUp({ code: 'AAAA-AAAA-AAAA-AAAA' })).json()).toMatchObject({
        status: 401,
        code: 'setup_code_refused',
      });
    }
    const limited = await setUp({ code: printed });
    expect(limited.json()).toMatchObject({ status: 429, code: 'too_many_setup_codes' });
    expect(limited.headers['retry-after']).toBe('900');
    expect((await setUp({ code: printed }, '192.0.2.2')).status).toBe(201);
  });

  test('a stranger who registers first is a USER, and ends the setup', async () => {
    const printed = await code();
    const body = { email: 'stranger@example.com', password: PASSWORD };
    const registered = await t.request({ method: 'POST', url: '/api/v1/auth/register', body });
    const me = await t.request({ url: '/api/v1/users/me', as: registered.json().access_token });
    expect(me.json()).toMatchObject({ role: 'USER' });
    expect(await needed()).toBe(false);
    expect((await setUp({ code: printed })).json()).toMatchObject({ status: 409, code: 'setup_done' });
  });

  test('an installation whose users were deleted is no new one', async () => {
    const root = await t.users.create({ email: EMAIL, password: PASSWORD, role: 'SUPERADMIN' });
    await t.sql
      .db<{ users: { id: number; deleted_at: number } }>()
      .updateTable('users')
      .set({ deleted_at: 1 })
      .where('id', '=', root.id)
      .execute();
    expect(await needed()).toBe(false);
  });
});

test.each([
  [{ code: '' }, '/code'],
  [{ code: 'x', password: 'short' }, '/password'],
  [{ code: 'x', email: 'kim' }, '/email'],
  [{ code: 'x', role: 'USER' }, '/role'],
])('%j → 422', async (body, path) => {
  expect((await setUp(body)).json()).toMatchObject({ status: 422, errors: [{ path }] });
});

test('a password that is refused leaves the setup open', async () => {
  const printed = await code();
  expect((await setUp({ code: printed, password: 'password123' })).json()).toMatchObject({ status: 422 });
  expect((await setUp({ code: printed })).status).toBe(201);
});

test('the code is another one with another signing key', async () => {
  const other = await createTestAuth({});
  expect(await other.auth.api.setupCode()).not.toBe(await code());
  await other.close();
});
