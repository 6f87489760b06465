import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { toIso } from '#kernel/clock.ts';
import { instantOf } from '#kernel/instant.ts';
import { type AnalyticsHarness, createAnalyticsHarness } from '#test/support/analytics.ts';
import { createJobsHarness, type JobsHarness } from '#test/support/jobs.ts';

const MINUTE = 60_000;
const DAY = 1440 * MINUTE;
const T0 = Date.parse('2026-11-22T00:00:00Z');
const day = { start: '2026-11-22T00:00:00Z', end: '2026-11-23T00:00:00Z' };

let harness: AnalyticsHarness;
let jobs: JobsHarness;
let id: number;

beforeAll(async () => {
  harness = await createAnalyticsHarness();
  jobs = createJobsHarness(harness.devices.clock, 'Asia/Seoul');
  jobs.define(harness.module.jobs);
  await jobs.start();
  // Devices are as old as the clock says: it is the 24th when they are looked at, and the 22nd when they are made.
  harness.devices.clock.advance(T0 - harness.devices.clock.now());
  id = await harness.device();
  harness.devices.clock.advance(2 * DAY);
  const samples = Array.from({ length: 1440 }, (_, n) => {
    const jump = n === 700 ? 50 : 0;
    return [T0 + n * MINUTE, { level: n / 60 + ((n % 7) - 3) / 100 + jump, mode: 'auto' }] as const;
  });
  await harness.append(id, samples);
});
afterAll(async () => {
  await jobs.stop();
  await harness.close();
});

/** Each test sets the day that it needs: it may run alone, or behind the others. */
function until(text: string): void {
  const ahead = instantOf(text) - harness.devices.clock.now();
  if (ahead > 0) harness.devices.clock.advance(ahead);
}

describe('trend', () => {
  test('one an hour, from samples and from roll-ups the same', async () => {
    const query = { ...day, metric: 'level', forecast_hours: 12 };
    const raw = (await harness.ask(`/trends/${id}`, { ...query, source: 'raw' })).json();
    expect(raw).toMatchObject({ metric: 'level', sample_count: 1440, direction: 'increasing' });
    expect(raw.slope_per_hour).toBeCloseTo(1, 1);
    expect(raw.forecast).toHaveLength(12);
    expect(raw.forecast[11].timestamp).toBe('2026-11-23T12:00:00.000Z');
    expect(raw.forecast[0].lower).toBeLessThan(raw.forecast[0].value);
    await harness.rollUp();
    const rolledUp = (await harness.ask(`/trends/${id}`, query)).json();
    for (const field of ['slope_per_hour', 'intercept', 'r2', 'residual_stddev']) {
      expect(rolledUp[field]).toBeCloseTo(raw[field], 9);
    }
  });

  test('of nothing', async () => {
    expect((await harness.ask(`/trends/${id}`, { ...day, metric: 'none' })).json()).toMatchObject({
      ...{ sample_count: 0, slope_per_hour: null, direction: 'stable', forecast: [] },
    });
    expect((await harness.ask(`/trends/${id}`, day)).status).toBe(422);
  });
});

describe('anomalies', () => {
  test('the jump is one, by both ways', async () => {
    const found = (await harness.ask(`/anomalies/${id}`, { ...day, metric: 'level', window: 30, threshold: 4 })).json();
    expect(found).toMatchObject({ sample_count: 1440, window: 30, threshold: 4, total: 1 });
    expect(found.items).toMatchObject([
      { timestamp: '2026-11-22T11:40:00.000Z', methods: ['moving_average', 'z_score'] },
    ]);
  });

  test('more samples than can be looked at are refused', async () => {
    const device = await harness.device();
    const many = Array.from({ length: 200_001 }, (_, n) => [T0 + n, { a: n % 3 }] as const);
    await harness.append(device, many);
    const answer = await harness.ask(`/anomalies/${device}`, { ...day, metric: 'a' });
    expect([answer.status, answer.json().code]).toEqual([422, 'too_many_samples']);
    const report = await harness.ask(`/reports/${device}`, {}, 'POST', day);
    expect(report.json().result.metrics.a).toMatchObject({ anomalies: null, summary: { count: 200_001 } });
  });
});

describe('status', () => {
  test('times, transitions and failures', async () => {
    const device = await harness.device();
    // Made on the 24th; before, it was nowhere.
    harness.devices.clock.advance(DAY);
    await harness.changed(device, '2026-11-24T02:00:00Z', 'OFFLINE', 'ONLINE');
    await harness.changed(device, '2026-11-24T08:00:00Z', 'ONLINE', 'OFFLINE');
    await harness.changed(device, '2026-11-24T10:00:00Z', 'OFFLINE', 'MAINTENANCE');
    await harness.changed(device, '2026-11-24T12:00:00Z', 'MAINTENANCE', 'ONLINE');
    await harness.changed(device, '2026-11-24T16:00:00Z', 'ONLINE', 'OFFLINE');
    // A device may log what it likes, under this name too.
    await harness.changed(device, '2026-11-24T05:00:00Z', 'ONLINE', 'SLEEPING' as 'ONLINE');
    const status = async (start: string, end: string) =>
      (await harness.ask(`/status/${device}`, { start, end })).json();
    const whole = await status('2026-11-23T00:00:00Z', '2026-11-26T00:00:00Z');
    const hours = (count: number) => count * 3600;
    expect(whole).toMatchObject({
      ...{ uptime_ratio: expect.closeTo(10 / 22, 12), transitions: 5, failures: 2, mtbf_hours: 5 },
      seconds_in_status: { ONLINE: hours(10), OFFLINE: hours(12), MAINTENANCE: hours(2), ERROR: 0 },
      ...{ current_status: 'OFFLINE', current_since: '2026-11-24T16:00:00.000Z' },
    });
    // It began ONLINE, which only the log before says.
    expect(await status('2026-11-24T03:00:00Z', '2026-11-24T04:00:00Z')).toMatchObject({
      ...{ uptime_ratio: 1, transitions: 0, failures: 0, mtbf_hours: null },
    });
    expect(await status('2026-11-24T10:30:00Z', '2026-11-24T11:00:00Z')).toMatchObject({ uptime_ratio: null });
  });
});

describe('reports', () => {
  test('one is made, stored and listed', async () => {
    const answer = await harness.ask(`/reports/${id}`, {}, 'POST', day);
    expect(answer.status).toBe(201);
    const report = answer.json();
    expect(report).toMatchObject({ analysis_type: 'report', device_id: id, start: '2026-11-22T00:00:00.000Z' });
    expect(report.result).toMatchObject({
      metrics_left_out: 0,
      status: { transitions: 0, current_status: 'OFFLINE' },
      metrics: {
        level: { summary: { count: 1440 }, trend: { direction: 'increasing' }, anomalies: { total: 1 } },
        mode: { summary: { count: 1440, avg: null, first: 'auto' }, trend: null, anomalies: null },
      },
    });
    const page = (await harness.ask('/results', { device_id: id, analysis_type: 'report' })).json();
    expect(page).toMatchObject({ total: 1, pages: 1, items: [report] });
    expect((await harness.ask('/results', { sort: 'device_id' })).status).toBe(422);
    const of = async (query: Record<string, string>) => (await harness.ask('/results', query)).json().total;
    expect(await of({ device_id: `${id},99999`, analysis_type: 'daily,report' })).toBe(page.total);
    expect(await of({ device_id: `${id}`, q: 'REPORT' })).toBe(page.total);
    expect(await of({ device_id: `${id}`, q: page.items[0].id })).toBe(1);
    expect(await of({ device_id: `${id}`, q: '.*' })).toBe(0);
    const turned = (await harness.ask(`/reports/${id}`, {}, 'POST', { ...day, end: day.start })).json();
    const told = { code: 'invalid_analysis_range', detail: 'The start is not before the end.' };
    // A field of the body; the same of a query is one of the query.
    expect(turned).toMatchObject({ ...told, errors: [{ path: '/start' }] });
    const asked = (await harness.ask(`/status/${id}`, { ...day, end: day.start })).json();
    expect(asked).toMatchObject({ ...told, errors: [{ path: '/query/start' }] });
    expect((await harness.ask('/reports/999999', {}, 'POST', day)).status).toBe(404);
  });

  test('every device has one of the day before, in the zone, once', async () => {
    const others = [await harness.device(), await harness.device()];
    until('2026-11-25T00:00:00Z');
    const run = () => jobs.jobs.enqueue('run_daily_analytics', {});
    await run();
    await jobs.runUntilIdle();
    const daily = async () => (await harness.ask('/results', { analysis_type: 'daily', size: 100 })).json();
    const first = await daily();
    const reported = first.items.map((each: { device_id: number }) => each.device_id);
    expect(reported).toEqual(expect.arrayContaining([id, ...others]));
    // It is 09:00 in Seoul.
    expect(first.items.find((each: { device_id: number }) => each.device_id === id)).toMatchObject({
      id: `daily:${id}:2026-11-24`,
      start: '2026-11-23T15:00:00.000Z',
      end: '2026-11-24T15:00:00.000Z',
    });
    await run();
    await jobs.runUntilIdle();
    expect(await daily()).toEqual(first);
  });

  test('days that were missed, and those that late data changed, are made up for', async () => {
    until('2026-11-25T00:00:00Z');
    const late = await harness.device();
    const at = (text: string) => instantOf(`${text}+09:00`);
    await harness.append(late, [[at('2026-11-10T12:00:00'), { level: 1 }]]);
    const run = async (data: { readonly day?: string } = {}) => {
      const jobId = await jobs.jobs.enqueue('run_daily_analytics', data);
      await jobs.runUntilIdle();
      return (await jobs.jobs.find('analytics', jobId))?.result as { readonly made_up: number };
    };
    const of = async () => {
      const query = { analysis_type: 'daily', device_id: late, size: 100 };
      const { items } = (await harness.ask('/results', query)).json();
      return Object.fromEntries(
        items.map(
          ({ start, result }: { start: string; result: { metrics: { level?: { summary: { count: number } } } } }) => [
            start,
            result.metrics.level?.summary.count ?? 0,
          ],
        ),
      );
    };
    await run();
    const missed = '2026-11-09T15:00:00.000Z';
    const yesterday = '2026-11-23T15:00:00.000Z';
    expect(await of()).toEqual({ [missed]: 1, [yesterday]: 0 });
    expect((await run()).made_up).toBe(0);
    await harness.append(late, [
      [at('2026-11-10T13:00:00'), { level: 2 }],
      [at('2026-11-12T13:00:00'), { level: 2 }],
      [at('2026-11-24T13:00:00'), { level: 2 }],
    ]);
    expect((await run()).made_up).toBe(2);
    expect(await of()).toEqual({ [missed]: 2, '2026-11-11T15:00:00.000Z': 1, [yesterday]: 1 });
    // A day that is asked for is made again; one that is not over is refused.
    await run({ day: '2026-11-12' });
    await run({ day: '2026-11-25' });
    const states = (await jobs.all('run_daily_analytics')).filter(({ state }) => state === 'failed');
    expect(states.map(({ data, error }) => [data, error])).toEqual([
      [{ day: '2026-11-25' }, expect.stringContaining('/day must be over')],
    ]);
  });

  test('a job makes one of a device; of none it fails without trying again', async () => {
    await jobs.jobs.enqueue('analyze_device', {
      device_id: id,
      start: toIso(T0),
      end: toIso(T0 + DAY),
    });
    await jobs.jobs.enqueue('analyze_device', { device_id: 999_999 });
    await jobs.runUntilIdle();
    const turned = { device_id: id, start: toIso(T0 + DAY), end: toIso(T0) };
    await jobs.jobs.enqueue('analyze_device', turned);
    await jobs.runUntilIdle();
    const made = await jobs.all('analyze_device');
    // People find a field where they gave it: in the data of the job.
    expect(made.find(({ data }) => (data as { start?: string }).start === turned.start)?.error).toContain(
      '/start must be before the end',
    );
    expect(made.map(({ state }) => state).sort()).toEqual(['done', 'failed', 'failed']);
    const { items } = (await harness.ask('/results', { analysis_type: 'device' })).json();
    expect(items).toMatchObject([{ device_id: id, result: { metrics: { level: { summary: { count: 1440 } } } } }]);
  });
});

describe('export', () => {
  test('CSV has a line a sample, page after page', async () => {
    const answer = await harness.ask(`/export/${id}`, day);
    expect(answer.headers['content-type']).toBe('text/csv; charset=utf-8');
    const lines = answer.text.trim().split('\n');
    expect(lines).toHaveLength(1441);
    expect(lines.slice(0, 2)).toEqual(['timestamp,level,mode', '2026-11-22T00:00:00.000Z,-0.03,auto']);
    const device = await harness.device();
    await harness.append(device, [[T0, { a: '=1+1', b: true }]]);
    expect((await harness.ask(`/export/${device}`, { ...day, metrics: 'b,a,c' })).text).toBe(
      "timestamp,b,a,c\n2026-11-22T00:00:00.000Z,true,'=1+1,\n",
    );
  });

  test('Parquet', async () => {
    const answer = await harness.ask(`/export/${id}`, { ...day, format: 'parquet' });
    expect(answer.headers['content-type']).toBe('application/vnd.apache.parquet');
    expect(answer.headers['content-disposition']).toContain('.parquet"');
    expect(answer.text.startsWith('PAR1')).toBe(true);
    expect((await harness.ask(`/export/${id}`, { ...day, format: 'xls' })).status).toBe(422);
  });
});

describe('a server that was away', () => {
  test('time in which the server did not run is unknown, and its restart no failure', async () => {
    const device = await harness.device();
    const startOfDay = harness.devices.clock.now();
    const at = (time: string) => new Date(startOfDay + Date.parse(`1970-01-01T${time}Z`)).toISOString();
    harness.devices.clock.advance(DAY);
    await harness.changed(device, at('02:00:00'), 'OFFLINE', 'ONLINE');
    // Killed at 6, started at 9: only then it is known that nobody is connected.
    harness.gaps.push({ start: Date.parse(at('06:00:00')), end: Date.parse(at('09:00:00')) });
    await harness.changed(device, at('09:00:00'), 'ONLINE', 'OFFLINE', 'server');
    await harness.changed(device, at('09:00:10'), 'OFFLINE', 'ONLINE');
    // Stopped in order at 10, back at 10:30.
    await harness.changed(device, at('10:00:00'), 'ONLINE', 'OFFLINE', 'server');
    harness.gaps.push({ start: Date.parse(at('10:00:00')), end: Date.parse(at('10:30:00')) });
    await harness.changed(device, at('10:30:00'), 'OFFLINE', 'ONLINE');
    const range = { start: at('02:00:00'), end: at('12:00:00') };
    expect((await harness.ask(`/status/${device}`, range)).json()).toMatchObject({
      ...{ failures: 0, mtbf_hours: null, seconds_unknown: 3.5 * 3600 },
      seconds_in_status: { ONLINE: 6.5 * 3600 - 10, OFFLINE: 10 },
      uptime_ratio: expect.closeTo((6.5 * 3600 - 10) / (6.5 * 3600), 12),
    });
  });
});
