import { afterEach, beforeEach, expect, test } from 'vitest';
import { auditedOn } from '#test/support/audit.ts';
import { createTestAuth, type TestAuth } from '#test/support/auth.ts';
import type { TestRequest } from '#test/support/http.ts';

interface Pair {
  readonly access_token: string;
  readonly refresh_token: string;
}

let app: TestAuth;
beforeEach(async () => {
  app = await createTestAuth({});
});
afterEach(() => app.close());

const post = (path: string, body?: unknown, more: Partial<TestRequest> = {}) =>
  app.request({ method: 'POST', url: `/api/v1/auth${path}`, body, ...more });
const refresh = (token: string) => post('/refresh', { refresh_token: token });
const me = (as: string) => app.request({ url: '/api/v1/users/me', as });
const register = async () =>
  (await post('/register', { email: 'kim@example.com', password: 'correct horse' })).json<Pair>();
const alarms = async () => (await auditedOn(app.sql)).filter(({ action }) => action === 'auth.refresh_token_reused');

test('presented again within ten seconds, by many at once or in a row, it answers the same successor', async () => {
  const { refresh_token } = await register();
  const answers = await Promise.all(Array.from({ length: 8 }, () => refresh(refresh_token)));
  app.clock.advance(10_000);
  answers.push(await refresh(refresh_token));
  expect(answers.map(({ status }) => status)).toEqual(Array(9).fill(200));
  const [successor, ...others] = new Set(answers.map((answer) => answer.json<Pair>().refresh_token));
  expect(others).toEqual([]);
  for (const answer of answers) expect((await me(answer.json().access_token)).status).toBe(200);
  expect((await refresh(successor ?? '')).status).toBe(200);
  expect(await alarms()).toEqual([]);
});

test('the tab that comes late gets the same successor although the other tab has exchanged it', async () => {
  const first = await register();
  const second = (await refresh(first.refresh_token)).json<Pair>();
  const third = (await refresh(second.refresh_token)).json<Pair>();
  const late = (await refresh(first.refresh_token)).json<Pair>();
  expect(late.refresh_token).toBe(second.refresh_token);
  expect((await refresh(late.refresh_token)).json<Pair>().refresh_token).toBe(third.refresh_token);
});

test('after ten seconds it revokes its family, the successor too', async () => {
  const first = await register();
  const second = (await refresh(first.refresh_token)).json<Pair>();
  app.clock.advance(10_001);
  expect((await refresh(first.refresh_token)).status).toBe(401);
  expect(await alarms()).toMatchObject([{ resourceType: 'user', resourceId: '1' }]);
  expect((await refresh(second.refresh_token)).status).toBe(401);
});

test('of a revoked family no token answers its successor again', async () => {
  const stolen = await register();
  const first = (await refresh(stolen.refresh_token)).json<Pair>();
  app.clock.advance(10_001);
  const second = (await refresh(first.refresh_token)).json<Pair>();
  await refresh(second.refresh_token);
  expect((await refresh(stolen.refresh_token)).status).toBe(401);
  expect((await refresh(first.refresh_token)).status).toBe(401);
  expect((await refresh(second.refresh_token)).status).toBe(401);
});

test('a successor that was ended is not answered again, and nobody is alarmed', async () => {
  const first = await register();
  const second = (await refresh(first.refresh_token)).json<Pair>();
  await post('/logout', undefined, { as: second.access_token });
  expect((await refresh(first.refresh_token)).json()).toMatchObject({ status: 401, code: 'invalid_refresh_token' });
  expect(await alarms()).toEqual([]);
});

test('what a successor is made from is forgotten when nobody may ask for it any more', async () => {
  const salts = async () => {
    const rows = await app.sql
      .db<{ refresh_tokens: { id: number; successor_salt: string | null } }>()
      .selectFrom('refresh_tokens')
      .select('successor_salt')
      .orderBy('id')
      .execute();
    return rows.map(({ successor_salt: salt }) => salt !== null);
  };
  const first = await register();
  const second = (await refresh(first.refresh_token)).json<Pair>();
  expect(await salts()).toEqual([true, false]);
  app.clock.advance(10_001);
  await refresh(second.refresh_token);
  expect(await salts()).toEqual([false, true, false]);
  app.clock.advance(10_001);
  await app.auth.api.removeExpiredTokens();
  expect(await salts()).toEqual([false, false, false]);
});
