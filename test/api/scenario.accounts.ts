import { expect } from 'vitest';
import type { TestRequest, TestResponse } from '#test/support/http.ts';
import type { TestIdentityProvider } from '#test/support/identity-providers.ts';
import type { People } from '#test/support/people.ts';
import { codeOf } from '#test/support/totp.ts';
import type { Call } from './scenario.alerts.ts';

interface Around {
  readonly corp: TestIdentityProvider;
  readonly people: People;
}

type Send = (status: number, route: string, options?: Omit<TestRequest, 'method' | 'url'>) => Promise<TestResponse>;

/** The first user of the system. */
export async function walkThroughSetup(call: Call, code: string | null): Promise<void> {
  expect(await call(200, 'GET /api/v1/system/setup')).toEqual({
    needed: true,
    registration_open: true,
    sends_email: true,
  });
  const body = { code, email: 'first@example.com', password: 'correct horse battery', full_name: 'First' };
  const { access_token: as } = await call(201, 'POST /api/v1/system/setup', { body });
  expect(await call(200, 'GET /api/v1/users/me', { as })).toMatchObject({ role: 'SUPERADMIN', full_name: 'First' });
  await call(409, 'POST /api/v1/system/setup', { body: { ...body, email: 'second@example.com' } });
}

/** The part of the walk that is about sessions, second factors and personal access tokens. */
export async function walkThroughAccounts(call: Call, people: People): Promise<void> {
  const { email, password, id, token } = await people.person('USER');
  const as = token();
  const signIn = (status: number) => call(status, 'POST /api/v1/auth/login', { body: { email, password } });

  const other = await signIn(200);
  const { items } = await call(200, 'GET /api/v1/auth/sessions', { as });
  expect(items).toHaveLength(2);
  const [{ id: sessionId }] = items.filter(({ current }: { current: boolean }) => !current);
  await call(204, `DELETE /api/v1/auth/sessions/${sessionId}`, { as });
  await call(401, 'GET /api/v1/users/me', { as: other.access_token });

  const { items: found } = await call(200, 'GET /api/v1/users/directory', {
    as: people.MANAGER.token(),
    query: { q: email },
  });
  expect(found).toMatchObject([{ id, email, role: 'USER', is_active: true }]);

  const body = { name: 'export', read_only: true };
  const made = await call(201, 'POST /api/v1/auth/tokens', { as, body });
  expect(await call(200, 'GET /api/v1/users/me', { as: made.token })).toMatchObject({ id });
  await call(403, 'PATCH /api/v1/users/me', { as: made.token, body: { phone: '1' } });
  expect((await call(200, 'GET /api/v1/auth/tokens', { as })).items).toMatchObject([{ id: made.id, name: 'export' }]);
  await call(204, `DELETE /api/v1/auth/tokens/${made.id}`, { as });
  await call(401, 'GET /api/v1/users/me', { as: made.token });

  const switchOn = async (asUser: string) => {
    const { secret } = await call(201, 'POST /api/v1/auth/2fa/totp', { as: asUser });
    const code = codeOf(secret, Date.now());
    return await call(200, 'POST /api/v1/auth/2fa/totp/confirm', { as: asUser, body: { code } });
  };
  const { recovery_codes } = await switchOn(as);
  expect(recovery_codes).toHaveLength(10);
  const { ticket } = await signIn(401);
  const again = await call(200, 'POST /api/v1/auth/login/2fa', { body: { ticket, code: recovery_codes[0] } });
  await call(204, 'DELETE /api/v1/auth/2fa/totp', { as: again.access_token, body: { password } });
  await signIn(200);

  await switchOn(as);
  await call(204, `DELETE /api/v1/users/${id}/2fa`, { as: people.ADMIN.token() });
  await call(404, `DELETE /api/v1/users/${id}/2fa`, { as: people.ADMIN.token() });
}

/** The part of the walk that is about accounts at providers. */
export async function walkThroughProviders(send: Send, call: Call, { corp, people }: Around): Promise<void> {
  const [{ provider, label, url }] = (await call(200, 'GET /api/v1/auth/oauth')).items;
  expect([provider, label, new URL(url).pathname]).toEqual(['corp', 'Corp', '/api/v1/auth/oauth/corp']);
  const arrive = async (login: string) => {
    const { headers } = await send(302, 'GET /api/v1/auth/oauth/corp');
    const { pathname, search } = await corp.visit(headers['location'] ?? '', login);
    const cookie = headers['set-cookie']?.split(';')[0] ?? '';
    const arrived = await send(302, `GET ${pathname}${search}`, { headers: { cookie } });
    const code = new URL(arrived.headers['location'] ?? '').searchParams.get('code');
    return (await call(200, 'POST /api/v1/auth/oauth/token', { body: { code } })).access_token as string;
  };
  const lee = await arrive('lee');
  expect(await call(200, 'GET /api/v1/users/me', { as: lee })).toMatchObject({
    email: 'lee@example.com',
    full_name: 'Lee',
    is_verified: false,
  });
  const only = (await call(200, 'GET /api/v1/auth/oauth-accounts', { as: lee })).items;
  expect(only).toMatchObject([{ provider: 'corp', email: 'lee@example.com' }]);
  await call(409, `DELETE /api/v1/auth/oauth-accounts/${only[0].id}`, { as: lee });
  // Has chosen a password; an administrator knows the address.
  const as = people.ADMIN.token();
  const [{ id }] = (await call(200, 'GET /api/v1/users', { as, query: { q: 'kim@example.com' } })).items;
  await call(200, `PATCH /api/v1/users/${id}`, { as, body: { is_verified: true } });
  const kim = await arrive('kim');
  const [account] = (await call(200, 'GET /api/v1/auth/oauth-accounts', { as: kim })).items;
  await call(204, `DELETE /api/v1/auth/oauth-accounts/${account.id}`, { as: kim });
}
