import { expect } from 'vitest';
import type { People } from '#test/support/people.ts';
import type { Call } from './scenario.alerts.ts';

/** What a manager learns of a device that sends a value a second, and is away for a while. */
export async function walkThroughAnalytics(call: Call, people: People): Promise<void> {
  const { id, headers } = await people.device();
  const as = people.MANAGER.token();
  const start = Math.floor(Date.now() / 60_000) * 60_000 - 120_000;
  const body = Array.from({ length: 60 }, (_, n) => ({
    timestamp: new Date(start + n * 1000).toISOString(),
    metrics: { temperature: 20 + n / 10 },
  }));
  await call(200, 'POST /api/v1/ingest/telemetry', { headers, body });
  const range = { start: new Date(start).toISOString(), end: new Date(start + 60_000).toISOString() };

  const buckets = { ...range, interval: '30s', agg: 'count,p50', tz: 'Asia/Seoul', fill: 'linear' };
  expect(await call(200, `GET /api/v1/analytics/telemetry/${id}`, { as, query: buckets })).toMatchObject({
    buckets: [{ metrics: { temperature: { count: 30, p50: 21.45 } } }, { metrics: { temperature: { count: 30 } } }],
  });
}
