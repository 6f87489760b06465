import { expect, test } from 'vitest';
import { commonErrors } from '#kernel/errors.ts';
import type { HealthCheck } from '#platform/module/module.port.ts';
import { createTestClock } from '#test/support/clock.ts';
import { createTestApp, PRINCIPALS } from '#test/support/http.ts';
import { createHealthRoutes } from './health.routes.ts';
import { createHealthService } from './health.service.ts';

async function healthOf(checks: Readonly<Record<string, HealthCheck>>) {
  const service = createHealthService(() => checks);
  const app = await createTestApp({
    routes: [{ prefix: '/x', routes: createHealthRoutes(service, createTestClock()) }],
  });
  try {
    const answer = await app.request({ url: '/x/health', as: PRINCIPALS.MANAGER });
    expect(answer.status).toBe(200);
    return answer.json();
  } finally {
    await app.close();
  }
}

test('every component says how it is', async () => {
  expect(await healthOf({ sql: async () => {}, ingest: async () => '12 items wait.' })).toEqual({
    status: 'ok',
    checked_at: '2026-11-23T00:00:00.000Z',
    components: [
      { component: 'sql', status: 'ok', latency_ms: expect.any(Number), detail: null },
      { component: 'ingest', status: 'ok', latency_ms: expect.any(Number), detail: '12 items wait.' },
    ],
  });
});

test('one that is away degrades the whole, and says nothing of its driver', async () => {
  const health = await healthOf({
    sql: async () => {},
    redis: async () => {
      throw commonErrors.unavailable({ detail: 'connect ECONNREFUSED redis://:password@host' });
    },
    mqtt: async () => {
      throw new Error('socket hang up at 10.0.0.1');
    },
  });
  expect(health).toMatchObject({
    status: 'degraded',
    components: [
      { status: 'ok' },
      { status: 'away', detail: 'It cannot be reached, or takes no work.' },
      { status: 'away', detail: 'It failed.' },
    ],
  });
});

test('one that does not answer holds nothing up for longer than its deadline', async () => {
  const health = await healthOf({ documents: () => new Promise(() => {}) });
  expect(health.components).toMatchObject([{ status: 'away', detail: 'No answer within 2000 ms.' }]);
  expect(health.components[0].latency_ms).toBeGreaterThanOrEqual(1_990);
});
