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
  const coarse = { ...range, interval: '1m', agg: 'avg' };
  expect(await call(200, `GET /api/v1/analytics/telemetry/${id}`, { as, query: coarse })).toMatchObject({
    percentiles: null,
  });

  const metric = { ...range, metric: 'temperature' };
  expect(await call(200, `GET /api/v1/analytics/trends/${id}`, { as, query: metric })).toMatchObject({
    sample_count: 60,
    slope_per_hour: expect.closeTo(360, 6),
    direction: 'increasing',
  });
  expect(await call(200, `GET /api/v1/analytics/anomalies/${id}`, { as, query: metric })).toMatchObject({ total: 0 });
  expect(await call(200, `GET /api/v1/analytics/status/${id}`, { as })).toMatchObject({ current_status: 'ONLINE' });
  const csv = await call(200, `GET /api/v1/analytics/export/${id}`, { as, query: range });
  expect(csv.split('\n').slice(0, 2)).toEqual(['timestamp,temperature', `${range.start},20`]);
  await call(200, `GET /api/v1/analytics/export/${id}`, { as, query: { ...range, format: 'parquet' } });
  const report = await call(201, `POST /api/v1/analytics/reports/${id}`, { as, body: range });
  expect(report.result.metrics.temperature.summary).toMatchObject({ count: 60, min: 20, max: 25.9 });
  const results = await call(200, 'GET /api/v1/analytics/results', { as, query: { device_id: id } });
  expect(results.items).toEqual([report]);
}
