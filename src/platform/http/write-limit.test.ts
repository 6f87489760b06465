import { expect, test } from 'vitest';
import type { UserRole } from '#kernel/access.ts';
import { createTestClock } from '#test/support/clock.ts';
import { createTestApp, type TestRequest } from '#test/support/http.ts';
import { createMemoryCounters } from '../cache/memory-counters.ts';
import type { HttpRoutes } from './http.port.ts';

const routes: HttpRoutes = (app) => {
  app.post('/leave', { config: { access: 'bearer', endsAccess: true }, schema: { hide: true } }, async () => ({}));
  for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const) {
    app.route({
      method,
      url: '/thing',
      config: { access: 'bearer' },
      schema: { hide: true },
      handler: async () => ({}),
    });
  }
};

async function setup(writeLimit: { readonly max: number; readonly windowMs: number } | null) {
  const clock = createTestClock();
  const counters = createMemoryCounters({ clock });
  const app = await createTestApp({ routes: [{ prefix: '', routes }], clock, server: { writeLimit, counters } });
  const ask = (method: NonNullable<TestRequest['method']>, userId: number, role: UserRole = 'USER') =>
    app.request({ method, url: '/thing', as: { userId, role } });
  return { clock, app, ask };
}

test('a USER changes so much and then waits, whatever it changes; others do not', async () => {
  const { app, ask, clock } = await setup({ max: 4, windowMs: 60_000 });
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE'] as const) expect((await ask(method, 1)).status).toBe(200);
  const refused = await ask('PATCH', 1);
  expect(refused.json()).toMatchObject({ status: 429, code: 'rate_limited', detail: 'At most 4 changes in 60 s.' });
  expect(refused.headers['retry-after']).toBe('60');
  expect((await ask('GET', 1)).status).toBe(200);
  expect((await ask('PATCH', 2)).status).toBe(200);
  for (let change = 0; change < 10; change += 1) expect((await ask('POST', 3, 'MANAGER')).status).toBe(200);
  expect((await app.request({ method: 'POST', url: '/leave', as: { userId: 1, role: 'USER' } })).status).toBe(200);
  clock.advance(60_000);
  expect((await ask('PATCH', 1)).status).toBe(200);
  await app.close();
});

test('without a limit nobody waits', async () => {
  const { app, ask } = await setup(null);
  for (let change = 0; change < 10; change += 1) expect((await ask('PATCH', 1)).status).toBe(200);
  await app.close();
});
