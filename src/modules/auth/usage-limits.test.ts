import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { UserRole } from '#kernel/access.ts';
import { createTestAuth, type TestAuth } from '#test/support/auth.ts';
import { REFRESHES_OF_USER, REGISTRATIONS_OF_NETWORK, SIGN_INS_OF_USER } from './auth.throttles.ts';
import { MAX_SESSIONS } from './sessions/opening.ts';

const HOUR_MS = 3_600_000;
const ORIGIN = { ip: '192.0.2.1', requestId: 'r' };

let system: TestAuth;
beforeEach(async () => {
  system = await createTestAuth({ server: { trustProxy: true } });
});
afterEach(() => system.close());

const password = 'correct horse battery';
const post = (path: string, body: object, from = '192.0.2.1') =>
  system.request({ method: 'POST', url: `/api/v1/auth${path}`, body, headers: { 'x-forwarded-for': from } });
const register = (email: string, from?: string) => post('/register', { email, password }, from);
const refresh = (refresh_token: string) => post('/refresh', { refresh_token });

async function signIn(email: string) {
  const answer = await post('/login', { email, password });
  expect(answer.status, answer.text).toBe(200);
  return answer.json();
}

async function person(role: UserRole): Promise<string> {
  const email = `${role.toLowerCase()}@example.com`;
  await system.users.create({ email, password, role });
  return email;
}

/** As many calls at once as may be on their way; how many of them were answered with each status. */
async function statuses(count: number, call: () => Promise<{ readonly status: number }>) {
  const counts: Record<number, number> = {};
  for (let left = count; left > 0; left -= 10) {
    const answers = await Promise.all(Array.from({ length: Math.min(10, left) }, call));
    for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1;
  }
  return counts;
}

describe('registrations', () => {
  test('are bounded for an address, whether or not they make a user; others go on', async () => {
    expect((await register('first@example.com', '2001:db8:0:1::1')).status).toBe(201);
    // One network: whoever has one has all of its addresses.
    for (let count = 2; count <= REGISTRATIONS_OF_NETWORK; count += 1) {
      expect((await register('first@example.com', `2001:db8:0:1::${count}`)).status).toBe(409);
    }
    const refused = await register('second@example.com', '2001:db8:0:1:ffff::1');
    expect(refused.status).toBe(429);
    expect(refused.json().code).toBe('too_many_registrations');
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(3_000);
    expect((await register('second@example.com', '2001:db8:0:2::1')).status).toBe(201);
    system.clock.advance(HOUR_MS);
    expect((await register('third@example.com', '2001:db8:0:1::1')).status).toBe(201);
  });
});

describe('tokens', () => {
  test('sign-ins of one USER are bounded, with no more rows and entries beyond it', async () => {
    const email = await person('USER');
    const signInDirectly = () =>
      system.auth.api.signIn({ email, password }, ORIGIN).then(
        () => ({ status: 200 }),
        (error: { code: string }) => {
          expect(error).toMatchObject({ code: 'too_many_sign_ins' });
          return { status: 429 };
        },
      );
    expect(await statuses(SIGN_INS_OF_USER + 10, signInDirectly)).toEqual({ 200: SIGN_INS_OF_USER, 429: 10 });
    const { total } = await system.audit.list({ page: 1, size: 1, action: 'auth.login_succeeded' });
    expect(total).toBe(SIGN_INS_OF_USER);
    const answer = await post('/login', { email, password });
    expect(answer.status).toBe(429);
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
    system.clock.advance(HOUR_MS);
    await signIn(email);
  }, 60_000);

  test('exchanges of one USER are bounded; the token is good afterwards', async () => {
    let { refresh_token } = await signIn(await person('USER'));
    for (let count = 0; count < REFRESHES_OF_USER; count += 1) {
      const answer = await refresh(refresh_token);
      expect(answer.status).toBe(200);
      refresh_token = answer.json().refresh_token;
    }
    const refused = await refresh(refresh_token);
    expect(refused.status).toBe(429);
    expect(refused.json().code).toBe('too_many_sign_ins');
    system.clock.advance(HOUR_MS);
    expect((await refresh(refresh_token)).status).toBe(200);
  }, 60_000);

  test('of more sessions than a user may have, the one ends that was not used for longest', async () => {
    const email = await person('MANAGER');
    const first = await signIn(email);
    const second = await signIn(email);
    const used = (await refresh(first.refresh_token)).json();
    for (let count = 2; count < MAX_SESSIONS; count += 1) await signIn(email);
    expect((await refresh(second.refresh_token)).status).toBe(200);
    // `used` is the oldest now: the second one was exchanged after it.
    await signIn(email);
    expect((await refresh(used.refresh_token)).status).toBe(401);
    const me = (as: string) => system.request({ url: '/api/v1/users/me', as });
    expect((await me(used.access_token)).status).toBe(401);
  }, 60_000);
});
