import { afterEach, beforeEach, expect, test } from 'vitest';
import type { TestResponse } from '#test/support/http.ts';
import { OAUTH, type OAuthTest, PASSWORD, problemOf, startOAuthTest } from '#test/support/oauth.ts';
import { codeOf } from '#test/support/totp.ts';

const URL = '/api/v1/auth/oauth-accounts';

let t: OAuthTest;
beforeEach(async () => {
  t = await startOAuthTest();
});
afterEach(() => t.close());

const tokenOf = (answer: TestResponse) => answer.json().access_token as string;
const list = async (as: string) => (await t.app.request({ url: URL, as })).json().items;
const remove = (id: number, as: string) => t.app.request({ method: 'DELETE', url: `${URL}/${id}`, as });

test('accounts elsewhere are listed, and the last way to sign in stays', async () => {
  const as = tokenOf(await t.signIn('corp', 'kim'));
  const [corp] = await list(as);
  expect(corp).toEqual({
    id: expect.any(Number),
    provider: 'corp',
    email: 'kim@example.com',
    created_at: new Date(t.app.clock.now()).toISOString(),
  });
  expect(problemOf(await remove(corp.id, as))).toEqual({ status: 409, code: 'last_way_to_sign_in' });
  // The same verified address: another account of the same user.
  await t.signIn('github', 'kim');
  expect((await list(as)).map(({ provider }: { provider: string }) => provider)).toEqual(['corp', 'github']);
  expect((await remove(corp.id, as)).status).toBe(204);
  const [github] = await list(as);
  expect(problemOf(await remove(github.id, as))).toEqual({ status: 409, code: 'last_way_to_sign_in' });
  const { items } = await t.app.audit.list({ page: 1, size: 1, action: 'auth.oauth_account_unlinked' });
  expect(items[0]?.details).toEqual({ provider: 'corp', email: 'kim@example.com' });
});

test('whoever has chosen a password may remove the last one', async () => {
  const answer = await t.signIn('corp', 'kim');
  const { id: userId } = await t.me(answer);
  const reset = await t.app.request({
    method: 'POST',
    url: `/api/v1/users/${userId}/password-reset`,
    as: await t.root(),
  });
  const token = reset.json().link.split('#token=')[1];
  const body = { token, new_password: 'another horse' };
  await t.app.request({ method: 'POST', url: '/api/v1/auth/password/reset', body });
  const login = { email: 'kim@example.com', password: 'another horse' };
  const as = tokenOf(await t.app.request({ method: 'POST', url: '/api/v1/auth/login', body: login }));
  const [{ id }] = await list(as);
  expect((await remove(id, as)).status).toBe(204);
  expect(await list(as)).toEqual([]);
});

test('an account of somebody else is 404', async () => {
  const kim = tokenOf(await t.signIn('corp', 'kim'));
  const root = await t.root();
  const [{ id }] = await list(kim);
  expect(await list(root)).toEqual([]);
  expect(problemOf(await remove(id, root))).toEqual({ status: 404, code: 'oauth_account_not_found' });
});

/** @returns the code of the time step after the one that was used to switch it on */
async function switchOn(as: string): Promise<string> {
  const begun = await t.app.request({ method: 'POST', url: '/api/v1/auth/2fa/totp', as });
  const { secret } = begun.json();
  const body = { code: codeOf(secret, t.app.clock.now()) };
  const url = '/api/v1/auth/2fa/totp/confirm';
  expect((await t.app.request({ method: 'POST', url, body, as })).status).toBe(200);
  return codeOf(secret, t.app.clock.now(), 1);
}

const finish = (ticket: string, code: string) =>
  t.app.request({ method: 'POST', url: '/api/v1/auth/login/2fa', body: { ticket, code } });

test('a second factor is asked for after a sign-in elsewhere too', async () => {
  const code = await switchOn(tokenOf(await t.signIn('corp', 'kim')));
  const asked = await t.signIn('corp', 'kim');
  expect(problemOf(asked)).toEqual({ status: 401, code: 'second_factor_required' });
  expect((await finish(asked.json().ticket, code)).status).toBe(200);
  const { items } = await t.app.audit.list({ page: 1, size: 1, action: 'auth.login_succeeded' });
  expect(items[0]?.details).toEqual({ method: 'corp', second_factor: 'totp' });
});

test('a page that takes over is asked for it when it redeems its code', async () => {
  await t.close();
  t = await startOAuthTest({ oauthSuccessUrl: 'https://app.example.com/done' });
  const codeOf = ({ headers }: TestResponse) => new globalThis.URL(headers['location'] ?? '').searchParams.get('code');
  const redeem = (code: string | null) =>
    t.app.request({ method: 'POST', url: `${OAUTH}/token`, body: { code }, headers: { 'x-refresh-cookie': '1' } });
  const first = await redeem(codeOf(await t.signIn('corp', 'kim')));
  expect(first.headers['set-cookie']).toMatch(/^core_api_refresh=./);
  const code = await switchOn(tokenOf(first));
  const asked = await redeem(codeOf(await t.signIn('corp', 'kim')));
  expect(problemOf(asked)).toEqual({ status: 401, code: 'second_factor_required' });
  expect((await finish(asked.json().ticket, code)).status).toBe(200);
});

test('nobody may sign in with the password that a sign-in elsewhere has made', async () => {
  await t.signIn('corp', 'kim');
  const body = { email: 'kim@example.com', password: PASSWORD };
  expect((await t.app.request({ method: 'POST', url: '/api/v1/auth/login', body })).status).toBe(401);
});
