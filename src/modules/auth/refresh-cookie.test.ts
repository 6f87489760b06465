import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createTestAuth, type TestAuth } from '#test/support/auth.ts';
import type { TestResponse } from '#test/support/http.ts';

const EMAIL = 'kim@example.com';
const PASSWORD = 'correct horse';
const wanted = { 'x-refresh-cookie': '1' };

let t: TestAuth;
async function start(...[options = {}]: Partial<Parameters<typeof createTestAuth>>): Promise<void> {
  t = await createTestAuth(options);
  await t.users.create({ email: EMAIL, password: PASSWORD, role: 'USER' });
}
beforeEach(() => start());
afterEach(() => t.close());

const post = (path: string, body?: object, headers: Readonly<Record<string, string>> = {}, as?: string) =>
  t.request({ method: 'POST', url: `/api/v1/auth${path}`, ...(body && { body }), headers, ...(as && { as }) });
const login = (headers: Readonly<Record<string, string>> = wanted) =>
  post('/login', { email: EMAIL, password: PASSWORD }, headers);
const cookieOf = ({ headers }: TestResponse) => (headers['set-cookie'] ?? '').split(';')[0] ?? '';
const renew = (cookie: string, headers: Readonly<Record<string, string>> = {}) =>
  post('/refresh', undefined, { cookie, ...wanted, ...headers });

describe('a page that asks for it', () => {
  test('gets the refresh token in a cookie for the exchange alone, and in no body', async () => {
    const answer = await login();
    expect(answer.json()).toEqual({ access_token: expect.any(String), token_type: 'bearer', expires_in: 1800 });
    expect(answer.headers['set-cookie']).toMatch(
      /^core_api_refresh=[\w-]{43}; Max-Age=604800; Path=\/api\/v1\/auth\/refresh; HttpOnly; SameSite=Strict$/,
    );
  });

  test('renews with it, again and again, and two tabs at once get the same', async () => {
    const first = cookieOf(await login());
    const [one, other] = await Promise.all([renew(first), renew(first)]);
    expect([one.status, other.status]).toEqual([200, 200]);
    expect(cookieOf(one)).toBe(cookieOf(other));
    expect(cookieOf(one)).not.toBe(first);
    expect(one.json()).not.toHaveProperty('refresh_token');
    expect((await renew(cookieOf(one))).status).toBe(200);
  });

  test('loses it by signing out, and when it is good no more', async () => {
    const answer = await login();
    const out = await post('/logout', undefined, wanted, answer.json().access_token);
    expect(out.headers['set-cookie']).toMatch(/^core_api_refresh=; Max-Age=0; Path=\/api\/v1\/auth\/refresh;/);
    const late = await renew(cookieOf(answer));
    expect(late.json()).toMatchObject({ status: 401, code: 'invalid_refresh_token' });
    expect(late.headers['set-cookie']).toContain('Max-Age=0');
    expect((await renew('other=1')).json()).toMatchObject({ status: 401, code: 'invalid_refresh_token' });
  });

  test('loses it with the session that it ends itself', async () => {
    const { access_token: as } = (await login()).json();
    const [{ id }] = (await t.request({ url: '/api/v1/auth/sessions', as })).json().items;
    const ended = await t.request({ method: 'DELETE', url: `/api/v1/auth/sessions/${id}`, as, headers: wanted });
    expect(ended.headers['set-cookie']).toContain('Max-Age=0');
  });

  test('has it behind https and a path as the browser sees them', async () => {
    await t.close();
    await start({ settings: { publicUrl: () => 'https://iot.example.com/core' } });
    expect((await login()).headers['set-cookie']).toMatch(
      /; Path=\/core\/api\/v1\/auth\/refresh; HttpOnly; Secure; SameSite=Strict$/,
    );
  });

  test('gets it by registering and by the setup too', async () => {
    const registered = await post('/register', { email: 'new@example.com', password: PASSWORD }, wanted);
    expect([registered.status, cookieOf(registered)]).toEqual([201, expect.stringMatching(/^core_api_refresh=./)]);
    const fresh = await createTestAuth({});
    const body = { code: await fresh.auth.api.setupCode(), email: EMAIL, password: PASSWORD };
    const set = await fresh.request({ method: 'POST', url: '/api/v1/system/setup', body, headers: wanted });
    expect([set.status, cookieOf(set)]).toEqual([201, expect.stringMatching(/^core_api_refresh=./)]);
    expect(set.json()).not.toHaveProperty('refresh_token');
    await fresh.close();
  });
});

describe('a page of another site', () => {
  test.each([
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { origin: 'https://evil.example' },
    { origin: 'null' },
  ])('renews nothing: %j', async (headers) => {
    const cookie = cookieOf(await login());
    expect((await renew(cookie, headers)).json()).toMatchObject({ status: 403, code: 'forbidden' });
    expect((await renew(cookie, { 'sec-fetch-site': 'same-origin' })).status).toBe(200);
  });

  test('cannot use the cookie without the header, which no form can send', async () => {
    const cookie = cookieOf(await login());
    const answer = await post('/refresh', undefined, { cookie });
    expect(answer.json()).toMatchObject({ status: 422, errors: [{ path: '/refresh_token' }] });
    expect(answer.headers['set-cookie']).toBeUndefined();
  });
});

test('whoever does not ask for it gets no cookie, and the token in the body', async () => {
  const answer = await login({});
  expect(answer.headers['set-cookie']).toBeUndefined();
  const renewed = await post('/refresh', { refresh_token: answer.json().refresh_token });
  expect(renewed.headers['set-cookie']).toBeUndefined();
  expect(renewed.json().refresh_token).toEqual(expect.any(String));
});

test('another value of the header is refused rather than ignored', async () => {
  expect((await login({ 'x-refresh-cookie': 'yes' })).status).toBe(422);
});
