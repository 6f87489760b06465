import { join } from 'node:path';
import type { HttpLoad } from '../load/http-load.ts';
import { type Api, logIn, registerDevices } from '../support/api.ts';
import { runHttp } from '../support/http-runs.ts';
import { figure, progress, readable } from '../support/report.ts';
import { defineScenario } from '../support/scenario.ts';
import { createDataFolder, type DataFolder, startSystem } from '../support/system.ts';
import { fillStore, openTelemetryStore, sealEverything } from '../support/telemetry-store.ts';

const SECOND = 1_000;
const HOUR = 3_600 * SECOND;
const DAY = 24 * HOUR;

interface Buckets {
  readonly source: string;
  readonly buckets: readonly { readonly metrics: { readonly temperature: Readonly<Record<string, number>> } }[];
}

interface Trend {
  readonly sample_count: number;
  readonly slope_per_hour: number;
  readonly intercept: number;
  readonly r2: number;
}

/** One device, one metric, a sample a second: what a chart of the whole range costs, and what it costs others. */
export const analytics = defineScenario({
  summary: 'aggregation over a month of one sample a second, from roll-ups and from samples',
  options: {
    days: { default: 30, help: 'days of samples' },
    rounds: { default: 3, help: 'measured rounds' },
    seconds: { default: 8, help: 'length of a measured phase of other requests' },
    requests: { default: 100, help: 'other requests a second' },
  },
  async run({ days, rounds, seconds, requests }) {
    using folder = await createDataFolder();
    const deviceId = await registerOne(folder);
    const end = Math.floor(Date.now() / HOUR) * HOUR;
    const start = end - days * DAY;
    const rolledUpIn = await fill(folder, deviceId, start, end);
    await using system = await startSystem(folder);
    const api = await logIn(system, folder);

    const iso = (time: number) => new Date(time).toISOString();
    const range = `start=${iso(start)}&end=${iso(end)}`;
    const month = `/api/v1/analytics/telemetry/${deviceId}?${range}&interval=1h`;
    const path = `${month}&agg=avg,min,max,count,p95`;
    const lastDay = `start=${iso(end - DAY)}&end=${iso(end)}&interval=1m&agg=avg,min,max,count&source=raw`;
    const times = { rollups: [] as number[], raw: [] as number[], day: [] as number[], plain: [] as number[] };
    let rolledUp: Buckets | undefined;
    let raw: Buckets | undefined;
    // The first request of each kind warms up.
    for (let round = 0; round <= rounds; round += 1) {
      const answers = [
        await timed<Buckets>(api, path),
        await timed<Buckets>(api, `${path}&source=raw`),
        await timed<Buckets>(api, `/api/v1/analytics/telemetry/${deviceId}?${lastDay}`),
        await timed<Buckets>(api, `${month}&agg=avg,min,max,count&source=raw`),
      ] as const;
      [rolledUp, raw] = [answers[0].answer, answers[1].answer];
      if (round === 0) continue;
      times.rollups.push(answers[0].ms);
      times.raw.push(answers[1].ms);
      times.day.push(answers[2].ms);
      times.plain.push(answers[3].ms);
      progress(`round ${round}: ${answers.map(({ ms }) => `${readable(ms)} ms`).join(', ')}`);
    }

    const trendPath = `/api/v1/analytics/trends/${deviceId}?${range}&metric=temperature`;
    const trend = await api.get<Trend>(trendPath);
    const rawTrend = await api.get<Trend>(`${trendPath}&source=raw`);

    const http: HttpLoad = {
      ...{ port: system.httpPort, connections: 8, rate: requests, warmupSeconds: 1, seconds, expectStatus: 200 },
      request: { method: 'GET', path: '/api/v1/devices?size=20', token: api.token },
    };
    const quiet: number[] = [];
    const beside: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      quiet.push((await runHttp(http)).latency.p99);
      const [measured] = await whileAsking(api, [path, `${path}&source=raw`], () => runHttp(http));
      beside.push(measured.latency.p99);
      progress(`others, p99: quiet ${readable(quiet.at(-1) ?? 0)} ms, beside ${readable(beside.at(-1) ?? 0)} ms`);
    }

    return {
      figures: [
        figure(`making the roll-ups of ${days} days`, 's', [rolledUpIn / 1000]),
        figure(`${days} days by the hour, from samples`, 'ms', times.plain, { below: 150 }),
        figure(`${days} days by the hour with p95, from samples`, 'ms', times.raw, { below: 300 }),
        figure(`${days} days by the hour with p95, from roll-ups`, 'ms', times.rollups, { below: 15 }),
        figure('samples / roll-ups', '×', ratios(times.raw, times.rollups)),
        figure('one day by the minute, from samples', 'ms', times.day, { below: 8 }),
        figure('GET /devices, quiet, p99', 'ms', quiet),
        figure('GET /devices, beside analytics, p99', 'ms', beside),
        figure('beside / quiet', '×', ratios(beside, quiet), { below: 2 }),
      ],
      proofs: [
        {
          claim: 'roll-ups and samples answer the same',
          holds: rolledUp?.source === 'rollup' && raw?.source === 'raw' && sameBuckets(rolledUp, raw),
        },
        {
          claim: `the trend of ${trend.sample_count} samples is the same from both`,
          holds: trend.sample_count === (days * DAY) / SECOND && sameTrend(trend, rawTrend),
        },
      ],
    };
  },
});

async function registerOne(folder: DataFolder): Promise<number> {
  await using system = await startSystem(folder);
  const [device] = await registerDevices(await logIn(system, folder), 1);
  return device?.id ?? 0;
}

/** Straight into the store: it is not the ingest that is measured. @returns how long the roll-ups took, ms */
async function fill(folder: DataFolder, deviceId: number, start: number, end: number): Promise<number> {
  await using opened = await openTelemetryStore(join(folder.path, 'telemetry.db'));
  const { store } = opened;
  await fillStore(store, (end - start) / SECOND, (index) => {
    const timestamp = start + index * SECOND;
    return { deviceId, timestamp, metrics: { temperature: valueAt(timestamp, start) } };
  });
  progress(`${(end - start) / SECOND} samples are stored`);
  const begun = performance.now();
  while ((await store.rollUp({ endedBefore: end, limit: 16 })) === 16);
  const rolledUp = performance.now();
  await sealEverything(store);
  progress(`and sealed, in ${readable((performance.now() - rolledUp) / SECOND)} s`);
  return rolledUp - begun;
}

/** A slow rise, a day's wave, and something like noise that is the same in every run. */
function valueAt(time: number, start: number): number {
  const noise = Math.sin((time / SECOND) * 12.9898) * 43758.5453;
  const days = (time - start) / DAY;
  return Math.round((20 + days / 10 + 5 * Math.sin(2 * Math.PI * days) + (noise - Math.floor(noise))) * 100) / 100;
}

async function timed<T>(api: Api, path: string): Promise<{ readonly answer: T; readonly ms: number }> {
  const begun = performance.now();
  const answer = await api.get<T>(path);
  return { answer, ms: performance.now() - begun };
}

/** Asks one after the other, over and over, until `work` is done. */
async function whileAsking<T>(api: Api, paths: readonly string[], work: () => Promise<T>): Promise<readonly [T]> {
  const state = { done: false };
  const asking = (async () => {
    while (!state.done) for (const path of paths) await api.get(path);
  })();
  const result = await work();
  state.done = true;
  await asking;
  return [result];
}

const ratios = (above: readonly number[], below: readonly number[]) =>
  above.map((value, index) => value / (below[index] as number));

function near(a: number, b: number, tolerance: number): boolean {
  return Math.abs(a - b) <= tolerance * Math.max(1, Math.abs(a), Math.abs(b));
}

function sameBuckets(one: Buckets, other: Buckets): boolean {
  return (
    one.buckets.length === other.buckets.length &&
    one.buckets.every(({ metrics: { temperature: a } }, index) => {
      const b = other.buckets[index]?.metrics.temperature ?? {};
      return Object.keys(a).every((name) => near(a[name] ?? 0, b[name] ?? 0, name === 'p95' ? 0.0201 : 1e-9));
    })
  );
}

function sameTrend(one: Trend, other: Trend): boolean {
  return (['slope_per_hour', 'intercept', 'r2'] as const).every((field) => near(one[field], other[field], 1e-9));
}
