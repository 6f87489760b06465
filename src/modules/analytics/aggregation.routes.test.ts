import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { defined } from '#kernel/defined.ts';
import { type AnalyticsHarness, createAnalyticsHarness } from '#test/support/analytics.ts';

const MINUTE = 60_000;
const T0 = Date.parse('2026-03-28T00:00:00Z');

let harness: AnalyticsHarness;
let id: number;

beforeAll(async () => {
  harness = await createAnalyticsHarness();
  id = await harness.device();
  // A value a minute, for three days: the minutes since the start; a door that is open in every other.
  const samples = Array.from({ length: 3 * 1440 }, (_, n) => [T0 + n * MINUTE, { n, open: n % 2 === 0 }] as const);
  await harness.append(id, samples);
});
afterAll(() => harness.close());

const ask = (query: Readonly<Record<string, string>>) => harness.ask(`/telemetry/${id}`, query);
const day = { start: '2026-03-28T00:00:00Z', end: '2026-03-29T00:00:00Z' };

describe('telemetry in buckets', () => {
  test('all functions, from samples and from roll-ups', async () => {
    const agg = 'avg,min,max,sum,count,first,last,stddev,p50,p90,p95,p99';
    const query = { ...day, interval: '1h', metrics: 'n', agg };
    const first = (await ask(query)).json();
    expect(first).toMatchObject({
      ...{ device_id: id, interval: '1h', tz: 'UTC' },
      source: 'raw',
      percentiles: 'exact',
    });
    expect(first.buckets).toHaveLength(24);
    const [, second] = first.buckets;
    expect(second.timestamp).toBe('2026-03-28T01:00:00.000Z');
    const { stddev, p90, ...rest } = second.metrics.n;
    // 60..119: n(n²−1)/12 / (n−1) for 60 whole numbers in a row; position 0.9 × 59 = 53.1.
    expect(stddev).toBeCloseTo(Math.sqrt((60 * (60 * 60 - 1)) / 12 / 59), 9);
    expect(p90).toBeCloseTo(113.1, 9);
    expect(rest).toEqual({
      ...{ avg: 89.5, min: 60, max: 119, sum: 5370, count: 60, first: 60, last: 119 },
      ...{ p50: 89.5, p95: 116.05, p99: expect.closeTo(118.41, 9) },
    });
    await harness.rollUp();
    const wide = { ...query, start: '2026-03-27T00:00:00Z' };
    const rolledUp = (await ask(wide)).json();
    expect(rolledUp).toMatchObject({ source: 'rollup', percentiles: 'approximate' });
    for (const [index, bucket] of rolledUp.buckets.entries()) {
      for (const [name, value] of Object.entries(bucket.metrics.n)) {
        const right = first.buckets[index].metrics.n[name];
        const tolerance = name.startsWith('p') ? 0.0101 * right : 1e-9 * Math.max(1, right);
        expect(Math.abs(Number(value) - right)).toBeLessThanOrEqual(tolerance);
      }
    }
    const raw = (await ask({ ...wide, source: 'raw' })).json();
    expect(raw.buckets).toEqual(first.buckets);
  });

  test('how exact percentiles are is said only of those that were asked for', async () => {
    for (const source of ['raw', 'auto']) {
      const query = { ...day, interval: '1h', metrics: 'n', source };
      expect((await ask({ ...query, agg: 'avg,max' })).json()).toMatchObject({ percentiles: null });
      expect((await ask({ ...query, agg: 'avg,n:p95' })).json().percentiles).toMatch(/^(exact|approximate)$/);
    }
  });

  test('functions of one metric instead of the common ones; booleans are 1 and 0', async () => {
    const { buckets } = (await ask({ ...day, interval: '1d', agg: 'count,last,open:avg,open:first' })).json();
    expect(buckets).toEqual([
      {
        timestamp: '2026-03-28T00:00:00.000Z',
        metrics: { n: { count: 1440, last: 1439 }, open: { avg: 0.5, first: true } },
      },
    ]);
  });

  test('days on the clock of a zone: that of the change to summer time has 23 hours', async () => {
    const { buckets } = (
      await ask({
        ...{ start: '2026-03-27T23:00:00Z', end: '2026-03-30T22:00:00Z' },
        ...{ interval: '1d', tz: 'Europe/Berlin', metrics: 'n', agg: 'count' },
      })
    ).json();
    expect(
      buckets.map((each: { timestamp: string; metrics: { n: { count: number } } }) => [
        each.timestamp,
        each.metrics.n.count / 60,
      ]),
    ).toEqual([
      ['2026-03-27T23:00:00.000Z', 23],
      ['2026-03-28T23:00:00.000Z', 23],
      ['2026-03-29T22:00:00.000Z', 24],
    ]);
  });

  test.each([
    ['1w', '2026-03-22T23:00:00.000Z'],
    ['1mo', '2026-02-28T23:00:00.000Z'],
  ])('calendar %s on the clock of a zone', async (interval, timestamp) => {
    const found = (await ask({ ...day, interval, tz: 'Europe/Berlin', metrics: 'n', agg: 'count' })).json();
    expect(found).toMatchObject({ interval, buckets: [{ timestamp, metrics: { n: { count: 1440 } } }] });
  });

  test('auto takes about 500 buckets; the first one begins on the clock', async () => {
    const found = (await ask({ start: '2026-03-28T00:01:30Z', end: '2026-03-29T00:00:00Z', metrics: 'n' })).json();
    expect(found).toMatchObject({ interval: '5m', start: '2026-03-28T00:01:30.000Z' });
    expect(found.buckets[0]).toEqual({
      timestamp: '2026-03-28T00:00:00.000Z',
      metrics: { n: { avg: 3, min: 2, max: 4, count: 3 } },
    });
  });

  test('empty buckets are left out, or filled', async () => {
    const device = await harness.device();
    await harness.append(device, [
      ['2026-03-28T01:00:00Z', { a: 10, s: 'x' }],
      ['2026-03-28T04:00:00Z', { a: 40 }],
    ]);
    const query = {
      start: '2026-03-28T00:00:00Z',
      end: '2026-03-28T06:00:00Z',
      interval: '1h',
      metrics: 'a',
      agg: 'avg,count',
    };
    const values = async (fill?: string) => {
      const answer = await harness.ask(`/telemetry/${device}`, { ...query, ...defined({ fill }) });
      return answer
        .json()
        .buckets.map(({ metrics }: { metrics: { a: { avg: number; count: number } } }) => [
          metrics.a.avg,
          metrics.a.count,
        ]);
    };
    expect(await values()).toEqual([
      [10, 1],
      [40, 1],
    ]);
    const counts = [0, 1, 0, 0, 1, 0];
    const withCounts = (averages: readonly (number | null)[]) => averages.map((each, index) => [each, counts[index]]);
    expect(await values('null')).toEqual(withCounts([null, 10, null, null, 40, null]));
    expect(await values('previous')).toEqual(withCounts([null, 10, 10, 10, 40, 40]));
    expect(await values('linear')).toEqual(withCounts([null, 10, 20, 30, 40, null]));
    const text = (await harness.ask(`/telemetry/${device}`, { ...query, metrics: 's', agg: 'avg,first,count' })).json();
    expect(text.buckets).toMatchObject([{ metrics: { s: { avg: null, first: 'x', count: 1 } } }]);
  });

  test.each([
    [{ interval: '2w' }, 'invalid_input'],
    [{ interval: '91d' }, 'invalid_analysis_query'],
    [{ agg: 'median' }, 'invalid_analysis_query'],
    [{ tz: 'Mars/Olympus' }, 'invalid_analysis_query'],
    [{ fill: 'zero' }, 'invalid_input'],
    [{ metrics: Array.from({ length: 21 }, (_, n) => `m${n}`).join(',') }, 'invalid_analysis_query'],
    [{ interval: '1s' }, 'too_many_buckets'],
    [{ start: '2026-03-29T00:00:00Z' }, 'invalid_analysis_range'],
    [{ start: '2006-03-28T00:00:00Z' }, 'invalid_analysis_range'],
    [{ buckets: '5' }, 'invalid_input'],
  ])('%j is 422 %s', async (query, code) => {
    const answer = await ask({ ...day, ...query } as never);
    expect([answer.status, answer.json().code]).toEqual([422, code]);
    expect(answer.json().errors.length).toBeGreaterThan(0);
  });

  test('a device that is not there is 404', async () => {
    expect((await harness.ask('/telemetry/999999', day)).status).toBe(404);
  });
});
