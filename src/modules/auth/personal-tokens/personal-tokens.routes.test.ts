import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { UserRole } from '#kernel/access.ts';
import { auditedOn } from '#test/support/audit.ts';
import { createTestAuth, type TestAuth } from '#test/support/auth.ts';
import type { TestRequest } from '#test/support/http.ts';
import { MAX_PERSONAL_TOKENS } from './personal-tokens.service.ts';

const PASSWORD = 'correct horse';
const URL = '/api/v1/auth/tokens';
const MINUTE_MS = 60_000;

let t: TestAuth;
beforeEach(async () => {
  t = await createTestAuth({});
});
afterEach(() => t.close());

async function person(role: UserRole, email = `${role.toLowerCase()}@example.com`) {
  const { id } = await t.users.create({ email, password: PASSWORD, role });
  const { accessToken } = await t.auth.api.signIn({ email, password: PASSWORD }, { ip: '192.0.2.1', requestId: 'r' });
  return { id, email, token: accessToken };
}
const create = (as: string, body: object = {}) =>
  t.request({ method: 'POST', url: URL, body: { name: 'export', ...body }, as });
const made = async (as: string, body: object = {}) => (await create(as, body)).json() as { id: number; token: string };
const list = async (as: string) => (await t.request({ url: URL, as })).json().items;
const revoke = (id: number, as: string) => t.request({ method: 'DELETE', url: `${URL}/${id}`, as });
const me = (as: string) => t.request({ url: '/api/v1/users/me', as });
const users = (as: string) => t.request({ url: '/api/v1/users', as });
const change = (as: string) => t.request({ method: 'PATCH', url: '/api/v1/users/me', body: { phone: '1' }, as });

describe('POST, GET and DELETE /auth/tokens', () => {
  test('a token is shown once, kept as a hash, and is good wherever an access token is', async () => {
    const kim = await person('MANAGER');
    const answer = await create(kim.token, { read_only: true, expires_at: '2027-01-01T00:00:00Z' });
    expect([answer.status, answer.headers['cache-control']]).toEqual([201, 'no-store']);
    const { token, ...record } = answer.json();
    expect(token).toMatch(/^core_pat_[\w-]{43}$/);
    expect(record).toEqual({
      id: expect.any(Number),
      name: 'export',
      role: 'MANAGER',
      read_only: true,
      expires_at: '2027-01-01T00:00:00.000Z',
      last_used_at: null,
      created_at: new Date(t.clock.now()).toISOString(),
    });
    expect((await me(token)).json()).toMatchObject({ id: kim.id });
    expect(await list(kim.token)).toMatchObject([{ ...record, last_used_at: expect.anything() }]);
    const rows = await t.sql.db<{ personal_tokens: object }>().selectFrom('personal_tokens').selectAll().execute();
    expect(JSON.stringify(rows)).not.toContain(token.slice(9));
    const { action, details } = (await auditedOn(t.sql)).at(-1) ?? {};
    expect([action, details]).toEqual([
      'auth.personal_token_created',
      { token_id: record.id, name: 'export', role: 'MANAGER', read_only: true },
    ]);
  });

  test('one that is revoked is refused at once; others are not', async () => {
    const kim = await person('USER');
    const [gone, stays] = [await made(kim.token), await made(kim.token)];
    for (const { token } of [gone, stays]) expect((await me(token)).status).toBe(200);
    expect((await revoke(gone.id, kim.token)).status).toBe(204);
    expect((await me(gone.token)).json()).toMatchObject({ status: 401, code: 'authentication_required' });
    expect((await me(stays.token)).status).toBe(200);
    expect((await auditedOn(t.sql)).at(-1)).toMatchObject({ action: 'auth.personal_token_revoked' });
  });

  test('those of somebody else are not seen, nor revoked', async () => {
    const kim = await person('USER');
    const root = await person('SUPERADMIN');
    const { id, token } = await made(kim.token);
    expect(await list(root.token)).toEqual([]);
    expect((await revoke(id, root.token)).json()).toMatchObject({ status: 404, code: 'personal_token_not_found' });
    expect((await me(token)).status).toBe(200);
  });

  test('one has a bounded number', async () => {
    const kim = await person('MANAGER');
    const first = await made(kim.token);
    for (let count = 1; count < MAX_PERSONAL_TOKENS; count += 1) await made(kim.token);
    expect((await create(kim.token)).json()).toMatchObject({ status: 409, code: 'personal_token_limit' });
    await revoke(first.id, kim.token);
    expect((await create(kim.token)).status).toBe(201);
  });

  test.each([
    [{ name: '' }, '/name'],
    [{ name: 'x'.repeat(101) }, '/name'],
    [{ role: 'DEVICE' }, '/role'],
    [{ expires_at: 'tomorrow' }, '/expires_at'],
    [{ expires_at: '2026-11-22T23:59:59Z' }, '/expires_at'],
    [{ scope: 'all' }, '/scope'],
  ])('%j → 422', async (body, path) => {
    const kim = await person('USER');
    expect((await create(kim.token, body)).json()).toMatchObject({ status: 422, errors: [{ path }] });
  });
});

describe('what one may do', () => {
  test('as much as its role allows, and never more than its user may now', async () => {
    const root = await person('SUPERADMIN');
    const admin = await person('ADMIN');
    const asAdmin = await made(admin.token);
    const asUser = await made(admin.token, { role: 'USER' });
    expect((await create(admin.token, { role: 'SUPERADMIN' })).json()).toMatchObject({
      status: 403,
      code: 'personal_token_role',
    });
    const statuses = async () => [(await users(asAdmin.token)).status, (await users(asUser.token)).status];
    expect(await statuses()).toEqual([200, 403]);
    const setRole = (role: UserRole) =>
      t.request({ method: 'PATCH', url: `/api/v1/users/${admin.id}`, body: { role }, as: root.token });
    await setRole('USER');
    expect(await statuses()).toEqual([403, 403]);
    await setRole('ADMIN');
    expect(await statuses()).toEqual([200, 403]);
  });

  test('the role of its user does not come back where rights are asked for again', async () => {
    const root = await person('SUPERADMIN');
    const other = await person('ADMIN');
    const { token } = await made(root.token, { role: 'ADMIN' });
    const grant = { email: 'new@example.com', password: PASSWORD, role: 'SUPERADMIN' };
    const answers = [
      await t.request({ method: 'POST', url: '/api/v1/users', body: grant, as: token }),
      await t.request({ method: 'DELETE', url: `/api/v1/users/${other.id}`, as: token }),
      await t.request({ method: 'DELETE', url: `/api/v1/users/${root.id}`, as: token }),
    ];
    expect(answers.map((answer) => answer.json().code)).toEqual([
      'role_not_grantable',
      'user_not_manageable',
      'user_not_manageable',
    ]);
  });

  test('a read-only one reads and changes nothing', async () => {
    const kim = await person('USER');
    const reader = await made(kim.token, { read_only: true });
    const writer = await made(kim.token);
    expect((await me(reader.token)).status).toBe(200);
    expect((await t.request({ method: 'HEAD', url: '/api/v1/users/me', as: reader.token })).status).toBe(200);
    expect((await change(reader.token)).json()).toMatchObject({ status: 403, code: 'token_read_only' });
    expect((await change(writer.token)).status).toBe(200);
  });

  test.each<Pick<TestRequest, 'method' | 'url' | 'body'>>([
    { method: 'POST', url: URL, body: { name: 'another' } },
    { method: 'DELETE', url: `${URL}/1` },
    {
      method: 'POST',
      url: '/api/v1/users/me/password',
      body: { current_password: PASSWORD, new_password: 'x'.repeat(9) },
    },
    { method: 'POST', url: '/api/v1/auth/2fa/totp' },
    { method: 'POST', url: '/api/v1/auth/2fa/totp/confirm', body: { code: '000000' } },
    { method: 'DELETE', url: '/api/v1/auth/2fa/totp', body: { password: PASSWORD } },
    { method: 'DELETE', url: '/api/v1/auth/sessions/1' },
    { method: 'POST', url: '/api/v1/auth/logout' },
    { method: 'DELETE', url: '/api/v1/auth/oauth-accounts/1' },
    { method: 'POST', url: '/api/v1/users/1/password-reset' },
    { method: 'DELETE', url: '/api/v1/users/1/2fa' },
  ])('$method $url takes a session', async (request) => {
    const { token } = await made((await person('SUPERADMIN')).token);
    expect((await t.request({ ...request, as: token })).json()).toMatchObject({
      status: 403,
      code: 'session_required',
    });
    expect((await me(token)).status).toBe(200);
  });
});

describe('it ends', () => {
  test('when it expires, and is listed for 30 days more', async () => {
    const kim = await person('USER');
    const expires_at = new Date(t.clock.now() + MINUTE_MS).toISOString();
    const { token } = await made(kim.token, { expires_at });
    expect((await me(token)).status).toBe(200);
    t.clock.advance(MINUTE_MS);
    expect((await me(token)).status).toBe(401);
    await t.auth.api.removeExpiredTokens();
    expect(await list(kim.token)).toHaveLength(1);
    t.clock.advance(30 * 86_400_000 + 1);
    await t.auth.api.removeExpiredTokens();
    const { accessToken } = await t.auth.api.signIn(
      { email: kim.email, password: PASSWORD },
      { ip: '::1', requestId: 'r' },
    );
    expect(await list(accessToken)).toEqual([]);
  });

  test('with the deactivation of its user, for good, and with its deletion', async () => {
    const root = await person('SUPERADMIN');
    const kim = await person('USER');
    const { token } = await made(kim.token);
    expect((await me(token)).status).toBe(200);
    const target = { url: `/api/v1/users/${kim.id}`, as: root.token };
    await t.request({ method: 'PATCH', ...target, body: { is_active: false } });
    expect((await me(token)).status).toBe(401);
    await t.request({ method: 'PATCH', ...target, body: { is_active: true } });
    expect((await me(token)).status).toBe(401);
    const { accessToken } = await t.auth.api.signIn(
      { email: kim.email, password: PASSWORD },
      { ip: '::1', requestId: 'r' },
    );
    const next = await made(accessToken);
    expect((await me(next.token)).status).toBe(200);
    await t.request({ method: 'DELETE', ...target });
    expect((await me(next.token)).status).toBe(401);
  });

  test('not when its user signs out or chooses another password', async () => {
    const kim = await person('USER');
    const { token } = await made(kim.token);
    await t.request({ method: 'POST', url: '/api/v1/auth/logout', as: kim.token });
    expect((await me(token)).status).toBe(200);
  });

  test.each(['core_pat_', 'core_pat_unknown', `core_pat_${'A'.repeat(43)}`])('%s never was one', async (token) => {
    expect((await me(token)).status).toBe(401);
  });
});

test('its latest use is known to the minute', async () => {
  const kim = await person('USER');
  const { token } = await made(kim.token);
  const lastUse = async () => (await list(kim.token))[0].last_used_at;
  const first = new Date(t.clock.now()).toISOString();
  await me(token);
  await expect.poll(lastUse).toBe(first);
  t.clock.advance(MINUTE_MS - 1);
  await me(token);
  t.clock.advance(1);
  await me(token);
  await expect.poll(lastUse).toBe(new Date(t.clock.now()).toISOString());
});
