import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Identity, IdentityProvider } from '#platform/oauth/oauth.port.ts';
import { createTestAuth } from '#test/support/auth.ts';
import { OAUTH, type OAuthTest, PASSWORD, problemOf, startOAuthTest } from '#test/support/oauth.ts';
import { REGISTRATIONS_OF_NETWORK } from '../auth.throttles.ts';

const TOKENS = {
  access_token: expect.any(String),
  refresh_token: expect.any(String),
  token_type: 'bearer',
  expires_in: 1800,
};

let t: OAuthTest;
beforeEach(async () => {
  t = await startOAuthTest();
});
afterEach(() => t.close());

async function restart(...options: Parameters<typeof startOAuthTest>): Promise<void> {
  await t.close();
  t = await startOAuthTest(...options);
}
const at = (name: string) => (name === 'corp' ? t.corp : t.github);
const auditOf = async (action: string) => (await t.app.audit.list({ page: 1, size: 20, action })).items;

describe('a login page', () => {
  test('learns which providers there are', async () => {
    expect((await t.app.request({ url: OAUTH })).json()).toEqual({
      items: [
        { provider: 'corp', label: 'Corp', url: `http://127.0.0.1:8000${OAUTH}/corp` },
        { provider: 'github', label: 'GitHub', url: `http://127.0.0.1:8000${OAUTH}/github` },
      ],
    });
  });
});

describe('the way there', () => {
  test('a cookie for the callback alone, unreadable for scripts and for the browser’s owner', async () => {
    const { url, setCookie, cookie } = await t.begin('corp');
    const query = new URL(url).searchParams;
    expect(query.get('redirect_uri')).toBe(`http://127.0.0.1:8000${OAUTH}/corp/callback`);
    expect(setCookie).toBe(`${cookie}; Max-Age=600; Path=${OAUTH}/corp/callback; HttpOnly; SameSite=Lax`);
    const decoded = Buffer.from(cookie.slice(cookie.indexOf('=') + 1), 'base64url').toString('latin1');
    expect(decoded).not.toContain(query.get('state'));
  });

  test('behind https the cookie is for https, and its path is the one that the browser sees', async () => {
    await restart({ publicUrl: () => 'https://iot.example.com/core' });
    const { setCookie, url } = await t.begin('github');
    expect(setCookie).toMatch(/; Path=\/core\/api\/v1\/auth\/oauth\/github\/callback; HttpOnly; Secure; /);
    expect(new URL(url).searchParams.get('redirect_uri')).toMatch(/^https:\/\/iot\.example\.com\/core\/api/);
  });

  test.each(['', '/callback'])('a provider that is not there is 404: /unknown%s', async (rest) => {
    expect(problemOf(await t.app.request({ url: `${OAUTH}/unknown${rest}` }))).toEqual({
      status: 404,
      code: 'oauth_provider_not_found',
    });
  });

  test('nobody is sent where a request says', async () => {
    const { status } = await t.app.request({ url: `${OAUTH}/corp`, query: { redirect_uri: 'https://evil.example' } });
    expect(status).toBe(422);
    const { headers } = await t.app.request({
      url: `${OAUTH}/corp`,
      headers: { host: 'evil.example', 'x-forwarded-host': 'evil.example' },
    });
    expect(headers['location']).not.toContain('evil');
  });

  test('a provider that is away is 503', async () => {
    await t.corp.stop();
    expect(problemOf(await t.app.request({ url: `${OAUTH}/corp` }))).toEqual({
      status: 503,
      code: 'oauth_provider_unavailable',
    });
  });
});

describe.each(['corp', 'github'])('at %s', (name) => {
  test('a stranger becomes a USER whose e-mail is verified, and stays the same', async () => {
    const first = await t.signIn(name, 'kim');
    expect(first.json()).toEqual(TOKENS);
    expect(first.headers).toMatchObject({ 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' });
    expect(first.headers['set-cookie']).toContain('Max-Age=0');
    const user = await t.me(first);
    expect(user).toMatchObject({ email: 'kim@example.com', role: 'USER', is_verified: true, full_name: 'Kim Minji' });
    expect(user.last_login_at).not.toBeNull();
    expect((await t.me(await t.signIn(name, 'kim'))).id).toBe(user.id);
    // The link is what counts, whatever becomes of the addresses.
    at(name).accounts.set('kim', { id: '1001', email: 'new@example.com', email_verified: false });
    expect((await t.me(await t.signIn(name, 'kim'))).id).toBe(user.id);
  });

  test('nobody knows a password of such a user', async () => {
    await t.signIn(name, 'kim');
    const body = { email: 'kim@example.com', password: PASSWORD };
    expect((await t.app.request({ method: 'POST', url: '/api/v1/auth/login', body })).status).toBe(401);
  });

  test('an e-mail that both sides have verified joins the user that is there', async () => {
    const { id } = await t.verified('kim@example.com', 'ADMIN');
    expect(await t.me(await t.signIn(name, 'kim'))).toMatchObject({ id, role: 'ADMIN' });
  });

  test('one that the provider does not vouch for joins nobody', async () => {
    await t.verified('lee@example.com');
    expect(problemOf(await t.signIn(name, 'lee'))).toEqual({ status: 409, code: 'oauth_email_not_verified' });
  });

  test('a user who never proved the address is not handed over', async () => {
    await t.register('kim@example.com');
    expect(problemOf(await t.signIn(name, 'kim'))).toEqual({ status: 409, code: 'oauth_user_not_verified' });
  });

  test('an address that nobody vouches for and nobody has makes a user that is not verified', async () => {
    expect(await t.me(await t.signIn(name, 'lee'))).toMatchObject({ email: 'lee@example.com', is_verified: false });
  });

  test('without an e-mail there is no user', async () => {
    expect(problemOf(await t.signIn(name, 'choi'))).toEqual({ status: 403, code: 'oauth_email_missing' });
    await t.verified('kim@example.com');
    // The last one begins with the sign for Kelvin, whose lower case is a plain k.
    for (const email of ['no address', `${'x'.repeat(250)}@example.com`, '\u212aim@example.com']) {
      at(name).accounts.set('choi', { id: '1003', email, email_verified: true });
      expect(problemOf(await t.signIn(name, 'choi'))).toEqual({ status: 403, code: 'oauth_email_missing' });
    }
  });

  test('a deactivated user is refused, linked or about to be', async () => {
    const { id } = await t.verified('kim@example.com');
    const admin = await t.root();
    const setActive = (is_active: boolean) =>
      t.app.request({ method: 'PATCH', url: `/api/v1/users/${id}`, body: { is_active }, as: admin });
    const refused = { status: 403, code: 'account_inactive' };
    await setActive(false);
    expect(problemOf(await t.signIn(name, 'kim'))).toEqual(refused);
    await setActive(true);
    expect((await t.signIn(name, 'kim')).status).toBe(200);
    await setActive(false);
    expect(problemOf(await t.signIn(name, 'kim'))).toEqual(refused);
  });

  test('whoever was deleted may come back as a new user', async () => {
    const before = (await t.me(await t.signIn(name, 'kim'))).id;
    await t.app.request({ method: 'DELETE', url: `/api/v1/users/${before}`, as: await t.root() });
    const after = (await t.me(await t.signIn(name, 'kim'))).id;
    expect(after).not.toBe(before);
    expect((await t.me(await t.signIn(name, 'kim'))).id).toBe(after);
  });

  test('whoever says no is told apart', async () => {
    const { url, cookie } = await t.begin(name);
    expect(problemOf(await t.comeBack(await at(name).decline(url), cookie))).toEqual({
      status: 403,
      code: 'oauth_denied',
    });
  });

  test('many at once make one user', async () => {
    const arrivals = await Promise.all(
      Array.from({ length: 4 }, async () => {
        const { url, cookie } = await t.begin(name);
        return { callback: await at(name).visit(url, 'kim'), cookie };
      }),
    );
    const answers = await Promise.all(arrivals.map(({ callback, cookie }) => t.comeBack(callback, cookie)));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    const ids = await Promise.all(answers.map(async (answer) => (await t.me(answer)).id));
    expect(new Set(ids).size).toBe(1);
  });
});

describe('an answer belongs to the browser that began', () => {
  const unknown = { status: 401, code: 'oauth_flow_unknown' };
  const refused = { status: 401, code: 'oauth_refused' };

  test('without its cookie, with a made-up one or with one of another provider it is nothing', async () => {
    const { url, cookie } = await t.begin('corp');
    const callback = await t.corp.visit(url, 'kim');
    expect(problemOf(await t.comeBack(callback))).toEqual(unknown);
    expect(problemOf(await t.comeBack(callback, 'core_api_oauth=AAAA'))).toEqual(unknown);
    expect(problemOf(await t.comeBack(callback, (await t.begin('github')).cookie))).toEqual(unknown);
    expect((await t.comeBack(callback, `other=1; ${cookie}; more=2`)).status).toBe(200);
  });

  test('the answer to somebody else’s sign-in is refused: its state is another', async () => {
    const attacker = await t.begin('corp');
    const callback = await t.corp.visit(attacker.url, 'lee');
    const victim = await t.begin('corp');
    expect(problemOf(await t.comeBack(callback, victim.cookie))).toEqual(refused);
  });

  test('a code is good once', async () => {
    const { url, cookie } = await t.begin('corp');
    const callback = await t.corp.visit(url, 'kim');
    expect((await t.comeBack(callback, cookie)).status).toBe(200);
    expect(problemOf(await t.comeBack(callback, cookie))).toEqual(refused);
  });

  test('after ten minutes it is too late', async () => {
    const { url, cookie } = await t.begin('corp');
    const callback = await t.corp.visit(url, 'kim');
    t.app.clock.advance(600_000);
    expect(problemOf(await t.comeBack(callback, cookie))).toEqual(unknown);
  });
});

describe('where only administrators make users', () => {
  test('strangers are refused, users are not', async () => {
    await restart({ registrationOpen: false });
    expect(problemOf(await t.signIn('corp', 'kim'))).toEqual({ status: 403, code: 'registration_closed' });
    const { id } = await t.verified('kim@example.com');
    expect((await t.me(await t.signIn('corp', 'kim'))).id).toBe(id);
  });
});

describe('an address that made as many users as it may', () => {
  test('makes none by an account elsewhere; who has a user signs in', async () => {
    for (let count = 0; count < REGISTRATIONS_OF_NETWORK; count += 1) {
      await t.app.request({
        method: 'POST',
        url: '/api/v1/auth/register',
        body: { email: 'lee@example.com', password: PASSWORD },
      });
    }
    expect(problemOf(await t.signIn('corp', 'kim'))).toEqual({ status: 429, code: 'too_many_registrations' });
    const { id } = await t.verified('kim@example.com');
    expect((await t.me(await t.signIn('corp', 'kim'))).id).toBe(id);
  });
});

describe('the audit trail', () => {
  test('says who was linked to what, who signed in where, and who was refused', async () => {
    const { id } = await t.me(await t.signIn('github', 'kim'));
    await t.register('lee@example.com');
    await t.signIn('corp', 'lee');
    const user = { resourceType: 'user', resourceId: String(id) };
    expect(await auditOf('auth.oauth_account_linked')).toMatchObject([
      {
        ...user,
        details: { provider: 'github', provider_uid: '1001', email: 'kim@example.com' },
        ipAddress: '127.0.0.1',
      },
    ]);
    expect(await auditOf('user.created')).toMatchObject([{}, user]);
    expect(await auditOf('auth.login_succeeded')).toMatchObject([
      { details: { method: 'registration' } },
      { ...user, userId: id, details: { method: 'github' } },
    ]);
    expect(await auditOf('auth.login_failed')).toMatchObject([
      { userId: null, details: { provider: 'corp', reason: 'oauth_email_not_verified' } },
    ]);
  });
});

describe('a provider that answers nonsense', () => {
  const nonsense: Identity = {
    providerUid: '1',
    email: `${'x'.repeat(300)}@example.com`,
    isEmailVerified: true,
    fullName: 'n'.repeat(500),
    avatarUrl: 'javascript:alert(1)',
  };
  test.each([
    [nonsense, 403],
    [{ ...nonsense, email: 'kim@example.com' }, 200],
  ])('neither breaks nor gets through', async (identity, status) => {
    const flow = { state: 's', nonce: 'n', codeVerifier: 'v' };
    const provider: IdentityProvider = {
      name: 'odd',
      label: 'Odd',
      begin: async () => ({ url: 'https://odd.example', flow }),
      complete: async () => identity,
    };
    const app = await createTestAuth({ identityProviders: [provider] });
    const { headers } = await app.request({ url: `${OAUTH}/odd` });
    const cookie = (headers['set-cookie'] ?? '').split(';')[0] ?? '';
    const answer = await app.request({ url: `${OAUTH}/odd/callback`, headers: { cookie } });
    expect(answer.status).toBe(status);
    const { items } = await app.audit.list({ page: 1, size: 1, action: 'user.created' });
    if (status === 200) expect(items[0]?.details).toMatchObject({ full_name: 'n'.repeat(200), avatar_url: null });
    else expect(items).toEqual([]);
    await app.close();
  });
});
