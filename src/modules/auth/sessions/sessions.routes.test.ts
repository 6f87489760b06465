import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { auditedOn } from '#test/support/audit.ts';
import { createTestAuth, type TestAuth } from '#test/support/auth.ts';

interface Pair {
  readonly access_token: string;
  readonly refresh_token: string;
}

const EMAIL = 'kim@example.com';
const PASSWORD = 'correct horse';
const URL = '/api/v1/auth/sessions';

let t: TestAuth;
beforeEach(async () => {
  t = await createTestAuth({ server: { trustProxy: true } });
  await t.users.create({ email: EMAIL, password: PASSWORD, role: 'USER' });
});
afterEach(() => t.close());

const post = (path: string, body: object, headers: Readonly<Record<string, string>> = {}) =>
  t.request({ method: 'POST', url: `/api/v1/auth${path}`, body, headers });
const signIn = async (userAgent = 'test', from = '192.0.2.1', email = EMAIL) =>
  (
    await post('/login', { email, password: PASSWORD }, { 'user-agent': userAgent, 'x-forwarded-for': from })
  ).json<Pair>();
const list = async (as: string) => (await t.request({ url: URL, as })).json().items;
const end = (id: number, as: string) => t.request({ method: 'DELETE', url: `${URL}/${id}`, as });
const me = async (as: string) => (await t.request({ url: '/api/v1/users/me', as })).status;

describe('GET /auth/sessions', () => {
  test('says where one is signed in, the one that was used last first', async () => {
    const phone = await signIn('Phone/1.0', '192.0.2.7');
    const begun = new Date(t.clock.now()).toISOString();
    t.clock.advance(1_000);
    const laptop = await signIn('x'.repeat(1_000), '2001:db8::1');
    const laterOn = new Date(t.clock.now()).toISOString();
    const session = { id: expect.any(Number), current: false };
    expect(await list(laptop.access_token)).toEqual([
      {
        ...session,
        user_agent: 'x'.repeat(256),
        address: '2001:db8::1',
        current: true,
        created_at: laterOn,
        last_used_at: laterOn,
      },
      { ...session, user_agent: 'Phone/1.0', address: '192.0.2.7', created_at: begun, last_used_at: begun },
    ]);
    t.clock.advance(1_000);
    const headers = { 'user-agent': 'Phone/1.1', 'x-forwarded-for': '192.0.2.8' };
    const renewed = (await post('/refresh', { refresh_token: phone.refresh_token }, headers)).json<Pair>();
    const used = new Date(t.clock.now()).toISOString();
    const items = await list(renewed.access_token);
    expect(items).toHaveLength(2);
    expect(items[0]).toMatchObject({
      user_agent: 'Phone/1.1',
      address: '192.0.2.8',
      current: true,
      created_at: begun,
      last_used_at: used,
    });
  });

  test('shows those of nobody else, nor what has ended or expired', async () => {
    await t.users.create({ email: 'lee@example.com', password: PASSWORD, role: 'ADMIN' });
    await signIn('lee', '192.0.2.9', 'lee@example.com');
    await signIn('expires');
    t.clock.advance(7 * 86_400_000);
    const ends = await signIn('ends');
    await t.request({ method: 'POST', url: '/api/v1/auth/logout', as: ends.access_token });
    t.clock.advance(1_000);
    const { access_token } = await signIn('stays');
    expect(await list(access_token)).toMatchObject([{ user_agent: 'stays' }]);
  });
});

describe('DELETE /auth/sessions/{id}', () => {
  test('ends that session with all of its tokens at once, and no other', async () => {
    const lost = await signIn('lost');
    const renewed = (await post('/refresh', { refresh_token: lost.refresh_token })).json<Pair>();
    t.clock.advance(1);
    const mine = await signIn('mine');
    const [, other] = await list(mine.access_token);
    expect((await end(other.id, mine.access_token)).status).toBe(204);
    for (const { access_token } of [lost, renewed]) expect(await me(access_token)).toBe(401);
    for (const { refresh_token } of [lost, renewed]) {
      expect((await post('/refresh', { refresh_token })).json()).toMatchObject({ code: 'invalid_refresh_token' });
    }
    expect(await me(mine.access_token)).toBe(200);
    expect(await list(mine.access_token)).toMatchObject([{ user_agent: 'mine' }]);
    expect((await post('/refresh', { refresh_token: mine.refresh_token })).status).toBe(200);
    const entry = (await auditedOn(t.sql)).find(({ action }) => action.startsWith('auth.session'));
    expect(entry).toMatchObject({
      action: 'auth.session_ended',
      resourceType: 'user',
      details: { session_id: other.id },
    });
  });

  test('ends one’s own too', async () => {
    const { access_token } = await signIn();
    const [own] = await list(access_token);
    expect((await end(own.id, access_token)).status).toBe(204);
    expect(await me(access_token)).toBe(401);
    expect(await me((await signIn()).access_token)).toBe(200);
  });

  test('what is not there, has ended or is somebody else’s is 404', async () => {
    await t.users.create({ email: 'lee@example.com', password: PASSWORD, role: 'SUPERADMIN' });
    const lee = await signIn('lee', '192.0.2.9', 'lee@example.com');
    const gone = await signIn('gone');
    const kim = await signIn('kim');
    const [, { id }] = await list(kim.access_token);
    await end(id, kim.access_token);
    const [{ id: mine }] = await list(kim.access_token);
    for (const answer of [
      await end(id, kim.access_token),
      await end(mine, lee.access_token),
      await end(9_999, lee.access_token),
    ]) {
      expect(answer.json()).toMatchObject({ status: 404, code: 'session_not_found' });
    }
    expect(await me(gone.access_token)).toBe(401);
    expect(await me(kim.access_token)).toBe(200);
  });
});

test('a refresh token that was copied ends the access tokens of its session too', async () => {
  const first = await signIn();
  const thief = (await post('/refresh', { refresh_token: first.refresh_token })).json<Pair>();
  const elsewhere = await signIn('elsewhere');
  t.clock.advance(10_001);
  expect((await post('/refresh', { refresh_token: first.refresh_token })).status).toBe(401);
  expect(await me(thief.access_token)).toBe(401);
  expect(await me(elsewhere.access_token)).toBe(200);
});

test('what has ended is forgotten when none of its tokens can be about any more', async () => {
  await signIn();
  const count = async () => {
    const rows = await t.sql.db<{ user_sessions: { id: number } }>().selectFrom('user_sessions').select('id').execute();
    return rows.length;
  };
  t.clock.advance(7 * 86_400_000);
  await t.auth.api.removeExpiredTokens();
  expect(await count()).toBe(1);
  t.clock.advance(7 * 86_400_000 + 1);
  await t.auth.api.removeExpiredTokens();
  expect(await count()).toBe(0);
});
