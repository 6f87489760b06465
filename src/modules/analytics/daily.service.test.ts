import { afterEach, expect, test } from 'vitest';
import { instantOf } from '#kernel/instant.ts';
import { type AnalyticsHarness, createAnalyticsHarness } from '#test/support/analytics.ts';
import { createTestClock } from '#test/support/clock.ts';
import { createJobsHarness, type JobsHarness } from '#test/support/jobs.ts';
import type { AnalysisResult } from './analytics.ports.ts';
import { createDailyAnalytics } from './daily.service.ts';

const DAY = 86_400_000;
/** Noon of a day in Seoul, where the harness is. */
const noon = (day: string) => instantOf(`${day}T12:00:00+09:00`);

let harness: AnalyticsHarness;
let jobs: JobsHarness;
let id: number;
let keptMs: number;

async function open(keptDays: number): Promise<void> {
  keptMs = keptDays * DAY;
  harness = await createAnalyticsHarness(keptMs);
  jobs = createJobsHarness(harness.devices.clock, 'Asia/Seoul');
  jobs.define(harness.module.jobs);
  await jobs.start();
  id = await harness.device();
  close = async () => {
    await jobs.stop();
    await harness.close();
  };
}
let close: () => Promise<void> = async () => {};
afterEach(async () => {
  await close();
  close = async () => {};
});

const now = () => harness.devices.clock.now();
const go = (ms: number) => harness.devices.clock.advance(ms);
/** One value an hour. */
const fill = (start: number, hours: number) =>
  harness.append(
    id,
    Array.from({ length: hours }, (_, n) => [start + n * 3_600_000, { level: n }] as const),
  );

async function run(data: { readonly day?: string } = {}) {
  const jobId = await jobs.jobs.enqueue('run_daily_analytics', data);
  await jobs.runUntilIdle();
  return (await jobs.jobs.find('analytics', jobId)) as { state: string; error: string | null; result: object | null };
}

/** Values that the report of each day counts, by the day. */
async function counted(): Promise<Record<string, number>> {
  const { items } = (
    await harness.ask('/results', { analysis_type: 'daily', device_id: id, size: 100, sort: '-created_at' })
  ).json();
  return Object.fromEntries(
    items.map(
      ({ id: key, result }: { id: string; result: { metrics: Record<string, { summary: { count: number } }> } }) => [
        key.slice(-10),
        result.metrics.level?.summary.count ?? 0,
      ],
    ),
  );
}

async function retain(): Promise<void> {
  while ((await harness.stores.telemetry.deleteOlderThan(now() - keptMs, 1_000)) > 0);
}

test('retention takes samples, and not what reports say of them', async () => {
  await open(7);
  // From 2026-11-23T09:00 in Seoul on; reports are made each night, retention is applied before.
  for (let day = 0; day < 12; day += 1) {
    await fill(now(), 24);
    go(DAY);
    await harness.rollUp();
    await retain();
    expect(await run()).toMatchObject({ state: 'done', result: { made_up: 0 } });
  }
  const reports = await counted();
  const [first, ...rest] = Object.values(reports).toReversed();
  expect(first).toBe(15);
  expect(rest).toEqual(Array.from({ length: 11 }, () => 24));
  // A day that is cut through is left as well, whatever comes late for it, and also when somebody asks for it.
  const cut = new Date(now() - keptMs + 9 * 3_600_000).toISOString().slice(0, 10);
  expect(reports[cut]).toBe(24);
  await fill(now() - keptMs + 60_000, 3);
  await run();
  expect((await run({ day: cut })).error).toContain('/day must be one whose samples are all kept');
  expect(await counted()).toEqual(reports);
});

test('what comes late is counted however late it may come, and a day that was missed is made', async () => {
  await open(120);
  harness.devices.clock.set(noon('2027-03-20'));
  await fill(noon('2026-12-01'), 3);
  await run({ day: '2026-12-01' });
  expect(await counted()).toMatchObject({ '2026-12-01': 3 });
  await harness.changed(id, '2026-12-01T00:00:00Z', 'ONLINE', 'OFFLINE');
  const statusOf = async () =>
    (await harness.ask('/results', { analysis_type: 'daily', device_id: id, q: '2026-12-01' })).json().items[0].result
      .status;
  const status = await statusOf();
  await harness.append(id, [[noon('2026-12-01') + 60_000, { level: 9 }]]);
  await harness.append(id, [[noon('2027-01-15'), { level: 9 }]]);
  await harness.append(id, [[noon('2026-11-21') - DAY, { level: 9 }]]);
  for (let night = 0; night < 3; night += 1) {
    await run();
    go(DAY);
  }
  expect(await counted()).toMatchObject({ '2026-12-01': 4, '2027-01-15': 1 });
  expect(Object.keys(await counted())).not.toContain('2026-11-20');
  // The log of that day has gone, or may have: it is not read again.
  expect(await statusOf()).toEqual(status);
  expect((await run()).result).toMatchObject({ made_up: 0 });
});

test.each([
  ['Europe/Berlin', 1],
  ['Asia/Seoul', 31],
  ['America/New_York', 40],
  ['Europe/Berlin', 365],
  ['Europe/Berlin', 1_000],
])(
  'every missed day has its turn, a bounded number a run, in %s with %i days of retention',
  async (timeZone, keptDays) => {
    // Before summer time begins.
    const clock = createTestClock(Date.UTC(2027, 2, 20, 12));
    const made = new Map<string, AnalysisResult>();
    const subject = createDailyAnalytics({
      ...{ clock, timeZone, samplesKeptMs: keptDays * DAY, reportsKeptMs: 36_500 * DAY },
      devices: { listInScope: async () => [{ deviceId: 1 }] as never },
      reports: {
        counts: async (_, edges) => edges.slice(1).map(() => 1),
        daily: async (_, range) => [...made.values()].filter(({ start }) => start >= range.start && start < range.end),
        async make(analysis_type, device_id, range, key = '') {
          const result = { metrics: { a: { summary: { count: 1 } } } };
          const each = { id: key, analysis_type, device_id, ...range, created_at: clock.now(), result };
          made.set(key.slice(-10), each as AnalysisResult);
          return each as AnalysisResult;
        },
        renew: () => Promise.reject(new Error('nothing has changed')),
      },
    });
    const nights = 2 * Math.ceil(keptDays / 31);
    for (let night = 0; night < nights; night += 1) {
      const before = made.size;
      clock.advance(DAY);
      await subject.run(clock.now(), AbortSignal.timeout(60_000));
      expect(made.size - before).toBeLessThanOrEqual(62);
    }
    const expected = Array.from({ length: Math.max(1, keptDays - 1) }, (_, back) => clock.now() - (back + 1) * DAY);
    const missing = expected.map((at) => new Date(at).toISOString().slice(0, 10)).filter((day) => !made.has(day));
    expect(missing).toEqual([]);
  },
);
