import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { AUTH_SETTINGS } from '#test/support/auth.ts';
import { OAUTH, type OAuthTest, problemOf, startOAuthTest } from '#test/support/oauth.ts';

const TOKENS = {
  access_token: expect.any(String),
  refresh_token: expect.any(String),
  token_type: 'bearer',
  expires_in: 1800,
};

describe('with a page that takes over', () => {
  const PAGE = 'https://app.example.com/signed-in?from=core';
  const verifier = 'a-code-verifier-that-has-43-characters-or-more';
  const challenge = createHash('sha256').update(verifier).digest('base64url');
  const invalid = { status: 401, code: 'oauth_code_invalid' };

  let t: OAuthTest;
  beforeEach(async () => {
    t = await startOAuthTest({ oauthSuccessUrl: PAGE });
  });
  afterEach(() => t.close());

  /** @returns the query that the page is opened with */
  async function arrive(login: string, query: Readonly<Record<string, string>> = {}) {
    const { url, cookie } = await t.begin('corp', query);
    const { status, headers, text } = await t.comeBack(await t.corp.visit(url, login), cookie);
    expect({ status, text }).toEqual({ status: 302, text: '' });
    const location = new URL(headers['location'] ?? '');
    expect(location.href.startsWith(`${PAGE}&`)).toBe(true);
    return Object.fromEntries(location.searchParams);
  }
  const redeem = (body: object) => t.app.request({ method: 'POST', url: `${OAUTH}/token`, body });

  test('it gets a code, never tokens, and redeems it once', async () => {
    const { code: once, ...rest } = await arrive('kim');
    expect(rest).toEqual({ from: 'core' });
    const answer = await redeem({ code: once });
    expect(answer.json()).toEqual(TOKENS);
    expect(answer.headers['cache-control']).toBe('no-store');
    expect((await t.me(answer)).email).toBe('kim@example.com');
    const { items } = await t.app.audit.list({ page: 1, size: 5, action: 'auth.login_succeeded' });
    expect(items).toMatchObject([{ details: { method: 'corp' } }]);
    expect(problemOf(await redeem({ code: once }))).toEqual(invalid);
  });

  test('a code is good for a minute', async () => {
    const { code: once } = await arrive('kim');
    t.app.clock.advance(60_000);
    expect(problemOf(await redeem({ code: once }))).toEqual(invalid);
  });

  test('with a challenge, only who knows the verifier redeems; one guess is all', async () => {
    const first = await arrive('kim', { code_challenge: challenge });
    expect(problemOf(await redeem({ code: first['code'], code_verifier: `${verifier}x` }))).toEqual(invalid);
    expect(problemOf(await redeem({ code: first['code'], code_verifier: verifier }))).toEqual(invalid);
    const second = await arrive('kim', { code_challenge: challenge });
    expect(problemOf(await redeem({ code: second['code'] }))).toEqual(invalid);
    const third = await arrive('kim', { code_challenge: challenge });
    expect((await redeem({ code: third['code'], code_verifier: verifier })).json()).toEqual(TOKENS);
  });

  test('a code of a sign-in that somebody else began passes no page that sends its verifier', async () => {
    const { code: injected } = await arrive('kim');
    expect(problemOf(await redeem({ code: injected, code_verifier: verifier }))).toEqual(invalid);
  });

  test('sessions that are ended meanwhile are ended with it', async () => {
    const { code: once } = await arrive('kim');
    const user = await t.app.users.findByEmail('kim@example.com');
    await t.app.users.endSessions({ userId: user?.id ?? 0, role: 'USER' });
    expect(problemOf(await redeem({ code: once }))).toEqual(invalid);
  });

  test('problems come as a code too', async () => {
    const { url, cookie } = await t.begin('corp');
    const declined = await t.comeBack(await t.corp.decline(url), cookie);
    expect(declined.headers['location']).toBe(`${PAGE}&error=oauth_denied`);
    await t.register('kim@example.com');
    expect(await arrive('kim')).toEqual({ from: 'core', error: 'oauth_user_not_verified' });
    expect(problemOf(await t.app.request({ url: `${OAUTH}/unknown` })).status).toBe(404);
    await t.close();
    t = await startOAuthTest({ oauthSuccessUrl: PAGE });
    await t.corp.stop();
    const away = await t.app.request({ url: `${OAUTH}/corp` });
    expect(away.headers).toMatchObject({ location: `${PAGE}&error=oauth_provider_unavailable` });
    expect(away.headers['set-cookie']).toBeUndefined();
  });

  test('who began in the console comes back to it, whatever the page of the settings is; problems do too', async () => {
    const console = `${AUTH_SETTINGS.publicUrl()}/admin`;
    const query = { return_to: 'console', code_challenge: challenge };
    const { url, cookie } = await t.begin('corp', query);
    const location = new URL((await t.comeBack(await t.corp.visit(url, 'kim'), cookie)).headers['location'] ?? '');
    expect(`${location.origin}${location.pathname}`).toBe(console);
    expect((await redeem({ code: location.searchParams.get('code'), code_verifier: verifier })).json()).toEqual(TOKENS);
    const again = await t.begin('corp', query);
    const declined = await t.comeBack(await t.corp.decline(again.url), again.cookie);
    expect(declined.headers['location']).toBe(`${console}?error=oauth_denied`);
    const elsewhere = { url: `${OAUTH}/corp?return_to=https://evil.example` };
    expect(problemOf(await t.app.request(elsewhere)).status).toBe(422);
  });

  test('a code for a link that only its user sees signs in once, within ten minutes', async () => {
    await t.register('kim@example.com');
    const userId = (await t.app.users.findByEmail('kim@example.com'))?.id ?? 0;
    const [one, other] = [await t.app.auth.api.signInCode(userId), await t.app.auth.api.signInCode(userId)];
    expect((await t.me(await redeem({ code: one }))).email).toBe('kim@example.com');
    expect(problemOf(await redeem({ code: one }))).toEqual(invalid);
    t.app.clock.advance(10 * 60_000);
    expect(problemOf(await redeem({ code: other }))).toEqual(invalid);
  });

  test('used and expired codes are removed with the other tokens', async () => {
    await arrive('kim');
    await arrive('kim');
    expect(await t.app.auth.api.removeExpiredTokens()).toBe(0);
    t.app.clock.advance(60_001);
    expect(await t.app.auth.api.removeExpiredTokens()).toBe(2);
  });
});
