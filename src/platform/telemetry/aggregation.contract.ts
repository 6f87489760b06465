import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { defined } from '#kernel/defined.ts';
import type { Aggregation, AggregationQuery, BucketStatistics } from './aggregation.port.ts';
import type { TelemetryHarness } from './telemetry.contract.ts';
import type { Metrics, MetricValue, TelemetryStore } from './telemetry.port.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** 2025-10-09T08:00Z, a whole hour. */
const T0 = 1_759_996_800_000;

/** The specification of `TelemetryAggregation`; every adapter passes it unchanged. */
export function aggregationContract(name: string, open: () => Promise<TelemetryHarness>): void {
  describe(`aggregation: ${name}`, () => {
    let harness: TelemetryHarness;
    let store: TelemetryStore;
    let nextDevice = 1;
    const newDevice = () => nextDevice++;
    const append = (deviceId: number, ...samples: (readonly [timestamp: number, metrics: Metrics])[]) =>
      store.append({ samples: samples.map(([timestamp, metrics]) => ({ deviceId, timestamp, metrics })), counts: [] });
    const ask = (deviceId: number, edges: readonly number[], more: Partial<AggregationQuery> = {}) =>
      store.aggregate({ deviceId, metrics: ['a'], edges, percentiles: [], moments: true, source: 'auto', ...more });
    const rollUpAll = async () => {
      while ((await store.rollUp({ endedBefore: Number.MAX_SAFE_INTEGER, limit: 50 })) === 50);
    };

    beforeAll(async () => {
      harness = await open();
      store = harness.store;
    });
    afterAll(() => harness.close());

    test('known values: the moments of 2, 4, 4, 4, 5, 5, 7, 9, one a second', async () => {
      const deviceId = newDevice();
      const values = [2, 4, 4, 4, 5, 5, 7, 9];
      await append(deviceId, ...values.map((a, index) => [T0 + index * 1000, { a }] as const));
      const { rows, percentiles, source } = await ask(deviceId, [T0, T0 + HOUR], { percentiles: [0.25, 0.5, 0.9] });
      expect({ percentiles, source }).toEqual({ percentiles: 'exact', source: 'raw' });
      const [row] = rows as [BucketStatistics];
      expect(row).toMatchObject({ metric: 'a', bucket: 0, count: 8, n: 8, sum: 40, min: 2, max: 9, mean: 5 });
      expect(row).toMatchObject({ first: 2, firstAt: T0, last: 9, lastAt: T0 + 7000, timeMean: T0 + 3500 });
      // Population variance 4, the example of many textbooks; Σ(t − t̄)² = 42 s², Σ(t − t̄)(x − x̄) = 174 − 3.5·40 = 34 s.
      expect(row.m2).toBeCloseTo(32, 9);
      expect(row.timeM2).toBeCloseTo(42e6, 3);
      expect(row.comoment).toBeCloseTo(34_000, 6);
      // Definition 7: positions 1.75, 3.5 and 6.3 of 0..7.
      expect(row.percentiles.map((value) => Math.round(value * 1e9) / 1e9)).toEqual([4, 4.5, 7.6]);
    });

    test('booleans count as 1 and 0; strings are only counted, and first or last', async () => {
      const deviceId = newDevice();
      await append(deviceId, [T0, { a: 'off' }], [T0 + 1, { a: true }], [T0 + 2, { a: false }], [T0 + 3, { a: 'on' }]);
      await append(deviceId, [T0 + HOUR, { a: 'x' }], [T0 + HOUR + 1, { b: 1 }]);
      const edges = [T0, T0 + HOUR, T0 + 2 * HOUR, T0 + 3 * HOUR];
      for (let round = 0; round < 2; round += 1) {
        const { rows } = await ask(deviceId, edges, { metrics: ['b', 'a', 'none'], percentiles: [0.5] });
        expect(rows.map(({ metric, bucket, count, n }) => [metric, bucket, count, n])).toEqual([
          ['b', 1, 1, 1],
          ['a', 0, 4, 2],
          ['a', 1, 1, 0],
        ]);
        expect(rows[1]).toMatchObject({
          sum: 1,
          min: 0,
          max: 1,
          first: 'off',
          last: 'on',
          firstAt: T0,
          lastAt: T0 + 3,
        });
        expect(rows[2]).toMatchObject({ first: 'x', last: 'x', percentiles: [] });
        await rollUpAll();
      }
    });

    test('names that mean something to a store are names like others', async () => {
      const deviceId = newDevice();
      const names = ['battery.level', '$set', 'a%2Eb', '__proto__', 'constructor', '0', "it's", 'a"b'];
      const metrics = Object.fromEntries(names.map((each, index) => [each, index]));
      await append(deviceId, [T0, metrics]);
      for (let round = 0; round < 2; round += 1) {
        const { rows } = await ask(deviceId, [T0, T0 + HOUR], { metrics: names, source: round === 0 ? 'raw' : 'auto' });
        expect(rows.map(({ metric, sum }) => [metric, sum])).toEqual(names.map((each, index) => [each, index]));
        await rollUpAll();
      }
      expect(
        (await store.series({ deviceId, metric: 'battery.level', start: T0, end: T0 + 1, limit: 5 })).values,
      ).toEqual(Float64Array.of(0));
    });

    test('roll-ups stand for whole hours, samples for the rest, and for what has changed until it is rolled up', async () => {
      const deviceId = newDevice();
      const hours = [0, 1, 2, 3].map((index) => T0 + index * HOUR);
      await append(deviceId, ...hours.map((hour, index) => [hour + MINUTE, { a: index }] as const));
      const edges = [...hours, T0 + 4 * HOUR];
      const sums = async () => {
        const { rows, source } = await ask(deviceId, edges);
        return [source, ...rows.map(({ sum }) => sum)];
      };
      expect(await sums()).toEqual(['raw', 0, 1, 2, 3]);
      await rollUpAll();
      expect(await sums()).toEqual(['rollup', 0, 1, 2, 3]);
      await append(deviceId, [T0 + HOUR, { a: 10 }]);
      expect(await sums()).toEqual(['mixed', 0, 11, 2, 3]);
      await rollUpAll();
      expect(await sums()).toEqual(['rollup', 0, 11, 2, 3]);
      // Merged: the later value replaces.
      await append(deviceId, [T0 + HOUR, { a: 100 }]);
      expect(await sums()).toEqual(['mixed', 0, 101, 2, 3]);
      await rollUpAll();
      expect(await sums()).toEqual(['rollup', 0, 101, 2, 3]);
      const inside = await ask(deviceId, [T0 + MINUTE + 1, T0 + 2 * HOUR, T0 + 3 * HOUR + MINUTE + 1]);
      expect(inside.rows.map(({ sum }) => sum)).toEqual([101, 5]);
      expect(inside.source).toBe('mixed');
      expect((await ask(deviceId, edges, { source: 'raw' })).source).toBe('raw');
    });

    test('what retention removes is out of the roll-ups at once', async () => {
      const deviceId = newDevice();
      const old = 3_600_000_000;
      await append(deviceId, [old + 1, { a: 1 }], [old + 2, { a: 2, gone: 1 }], [old + HOUR, { a: 4 }]);
      await rollUpAll();
      expect(await store.deleteOlderThan(old + 2, 100)).toBe(1);
      const edges = [old, old + HOUR, old + 2 * HOUR];
      const sums = async (metric: string) =>
        (await ask(deviceId, edges, { metrics: [metric] })).rows.map(({ sum }) => sum);
      expect(await sums('a')).toEqual([2, 4]);
      await rollUpAll();
      expect(await sums('a')).toEqual([2, 4]);
      expect(await store.deleteOlderThan(old + 3, 100)).toBe(1);
      await rollUpAll();
      expect([await sums('a'), await sums('gone')]).toEqual([[4], []]);
      await store.deleteOlderThan(old + 2 * HOUR, 100);
      await rollUpAll();
      expect(await sums('a')).toEqual([]);
    });

    test('roll-ups are made up to the limit, of hours that are over, and are still there after reopening', async () => {
      await rollUpAll();
      const deviceId = newDevice();
      await append(deviceId, [T0, { a: 1 }], [T0 + HOUR, { a: 2 }], [T0 + 2 * HOUR, { a: 3 }]);
      expect(await store.rollUp({ endedBefore: T0 + HOUR - 1, limit: 10 })).toBe(0);
      expect(await store.rollUp({ endedBefore: T0 + 2 * HOUR, limit: 1 })).toBe(1);
      expect(await store.rollUp({ endedBefore: T0 + 2 * HOUR, limit: 10 })).toBe(1);
      store = await harness.reopen();
      const edges = [T0, T0 + HOUR, T0 + 2 * HOUR, T0 + 3 * HOUR];
      expect(await ask(deviceId, edges.slice(0, 3))).toMatchObject({
        source: 'rollup',
        rows: [{ sum: 1 }, { sum: 2 }],
      });
      expect((await ask(deviceId, edges)).source).toBe('mixed');
      expect(await store.rollUp({ endedBefore: T0 + 3 * HOUR, limit: 10 })).toBe(1);
      expect(await store.rollUp({ endedBefore: T0 + 3 * HOUR, limit: 10 })).toBe(0);
    });

    test('a device-hour of too many names is answered from its samples, and holds up no other', async () => {
      const deviceId = newDevice();
      const many = Object.fromEntries(Array.from({ length: 1_001 }, (_, index) => [`m${index}`, index]));
      await append(deviceId, [T0, many], [T0 + HOUR, { m7: 1 }]);
      await rollUpAll();
      expect(await store.rollUp({ endedBefore: T0 + 2 * HOUR, limit: 10 })).toBe(0);
      const edges = [T0, T0 + HOUR, T0 + 2 * HOUR];
      const { rows, source } = await ask(deviceId, edges, { metrics: ['m7'] });
      expect([source, ...rows.map(({ sum }) => sum)]).toEqual(['mixed', 7, 1]);
    });

    test('a series comes in slices, numeric values only', async () => {
      const deviceId = newDevice();
      const values: MetricValue[] = [1, 'text', true, 2.5, false];
      await append(deviceId, ...values.map((a, index) => [T0 + index, { a }] as const), [T0 + 9, { b: 1 }]);
      const seen: [number, number][] = [];
      for (let after: number | null | undefined; after !== null; ) {
        const slice = await store.series({
          ...{ deviceId, metric: 'a', start: T0, end: T0 + 100, limit: 2 },
          ...defined({ after }),
        });
        for (const [index, time] of slice.timestamps.entries()) seen.push([time - T0, slice.values[index] as number]);
        after = slice.next;
      }
      expect(seen).toEqual([
        [0, 1],
        [2, 1],
        [3, 2.5],
        [4, 0],
      ]);
    });

    test('any appends, roll-ups and removals: every query equals the plain computation', async () => {
      // Of three hours, mostly few minutes, so that samples meet; what is old is removed by retention.
      const time = fc.oneof(
        fc.nat(3 * HOUR - 1),
        fc.nat(20).map((n) => n * 9 * MINUTE),
      );
      const value = fc.oneof(
        fc.double({ noNaN: true, min: -1e6, max: 1e6 }).map((n) => n + 0),
        fc.integer({ min: -5, max: 5 }),
        fc.boolean(),
        fc.constantFrom('x', 'y'),
      );
      const metrics = fc.dictionary(fc.constantFrom('a', 'b.c'), value, { minKeys: 1, noNullPrototype: true });
      const step = fc.oneof(
        { weight: 5, arbitrary: fc.array(fc.tuple(time, metrics), { minLength: 1, maxLength: 8 }) },
        { weight: 2, arbitrary: fc.constant('roll up' as const) },
        { weight: 1, arbitrary: fc.integer({ min: 0, max: HOUR }) },
      );
      const width = fc.constantFrom(MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR, 7 * MINUTE);
      let base = 36_000_000;
      await fc.assert(
        fc.asyncProperty(
          fc.array(step, { maxLength: 12 }),
          width,
          time,
          fc.nat(100),
          async (steps, wide, from, size) => {
            // Later than all before it, so that a removal leaves the others' samples to themselves.
            base += 24 * HOUR;
            const deviceId = newDevice();
            const model = new Map<number, Map<string, MetricValue>>();
            const start = base + from;
            const edges = [start, ...multiples(wide, start, base + 3 * HOUR + size)].slice(0, 200);
            if (edges.length < 2) edges.push(start + 1);
            for (const each of steps) {
              if (each === 'roll up') await rollUpAll();
              else if (typeof each === 'number') {
                await store.deleteOlderThan(base + each, 1000);
                for (const at of [...model.keys()]) if (at < base + each) model.delete(at);
              } else {
                await append(deviceId, ...each.map(([at, values]) => [base + at, values] as const));
                for (const [at, values] of each) {
                  const sample = model.get(base + at) ?? new Map<string, MetricValue>();
                  model.set(base + at, sample);
                  for (const [key, of] of Object.entries(values)) sample.set(key, of);
                }
              }
              const asked = { metrics: ['a', 'b.c'], percentiles: [0, 0.5, 0.95, 1] };
              expectEqual(await ask(deviceId, edges, asked), plain(model, edges, asked));
            }
          },
        ),
        { numRuns: 25 },
      );
    });
  });
}

function multiples(width: number, after: number, upTo: number): number[] {
  const edges: number[] = [];
  for (let at = (Math.floor(after / width) + 1) * width; at <= upTo; at += width) edges.push(at);
  return edges;
}

interface Asked {
  readonly metrics: readonly string[];
  readonly percentiles: readonly number[];
}

/** The slow, obvious aggregation: two passes over all samples of each bucket. */
function plain(
  model: ReadonlyMap<number, ReadonlyMap<string, MetricValue>>,
  edges: readonly number[],
  { metrics, percentiles }: Asked,
): BucketStatistics[] {
  const samples = [...model].sort(([a], [b]) => a - b);
  return metrics.flatMap((metric) =>
    edges.slice(0, -1).flatMap((edge, bucket) => {
      const values = samples
        .filter(([time, sample]) => time >= edge && time < (edges[bucket + 1] as number) && sample.has(metric))
        .map(([time, sample]) => [time, sample.get(metric) as MetricValue] as const);
      const [first, last] = [values[0], values.at(-1)];
      if (first === undefined || last === undefined) return [];
      const points = values.flatMap(([time, of]) => (typeof of === 'string' ? [] : [[time, Number(of)] as const]));
      const n = points.length;
      const total = (term: (time: number, x: number) => number) => points.reduce((sum, [t, x]) => sum + term(t, x), 0);
      const mean = n === 0 ? 0 : total((_, x) => x) / n;
      const timeMean = n === 0 ? 0 : edge + total((t) => t - edge) / n;
      const sorted = points.map(([, x]) => x).sort((a, b) => a - b);
      const quantile = (p: number) => {
        const rank = Math.floor(p * (n - 1));
        const [below, above] = [sorted[rank] as number, sorted[Math.min(rank + 1, n - 1)] as number];
        return below + (above - below) * (p * (n - 1) - rank);
      };
      return {
        ...{ metric, bucket, count: values.length, n, mean, timeMean },
        ...{ sum: total((_, x) => x), min: sorted[0] ?? Infinity, max: sorted.at(-1) ?? -Infinity },
        m2: total((_, x) => (x - mean) ** 2),
        timeM2: total((t) => (t - timeMean) ** 2),
        comoment: total((t, x) => (t - timeMean) * (x - mean)),
        ...{ first: first[1], firstAt: first[0], last: last[1], lastAt: last[0] },
        percentiles: n === 0 ? [] : percentiles.map(quantile),
      };
    }),
  );
}

const EXACT = ['metric', 'bucket', 'count', 'n', 'min', 'max', 'first', 'firstAt', 'last', 'lastAt'] as const;

/** Within rounding; percentiles as exact as the answer says. */
function expectEqual({ rows, percentiles }: Aggregation, expected: readonly BucketStatistics[]): void {
  const exactly = (row: BucketStatistics) => EXACT.map((field) => row[field]);
  expect(rows.map(exactly)).toEqual(expected.map(exactly));
  for (const [index, row] of rows.entries()) {
    const right = expected[index] as BucketStatistics;
    if (row.n === 0) continue;
    const scale = Math.max(Math.abs(right.min), Math.abs(right.max));
    near(row.sum, right.sum, scale * right.n * 1e-12);
    near(row.mean, right.mean, scale * 1e-12);
    near(row.timeMean, right.timeMean, 1);
    near(row.m2, right.m2, scale ** 2 * right.n * 1e-11);
    near(row.timeM2, right.timeM2, HOUR * right.n * 2);
    near(row.comoment, right.comoment, scale * right.n * 2);
    for (const [position, value] of row.percentiles.entries()) {
      near(value, right.percentiles[position] as number, scale * (percentiles === 'exact' ? 1e-12 : 0.0101));
    }
  }
}

function near(value: number, expected: number, tolerance: number): void {
  if (!(Math.abs(value - expected) <= tolerance + 1e-300)) {
    expect.fail(`${value} is not within ${tolerance} of ${expected}`);
  }
}
