import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { RawPart } from '../aggregation/source.ts';
import type { AggregationQuery, SeriesSlice } from '../aggregation.port.ts';
import type { HistoryPage, LedgerEntry, Metrics, Sample } from '../telemetry.port.ts';
import { encode } from './encoded-batch.ts';
import type { SealedPart, UnsealedHour } from './sealing.procedures.ts';
import { createProcedures } from './telemetry.procedures.ts';

const HOUR = 3_600_000;
const T0 = 1_760_000_400_000;
const EVERYTHING = { endedBefore: 9e15, changedBefore: 9e15, limit: 1_000 };

function openStore(database = new DatabaseSync(':memory:')) {
  const procedures = createProcedures(database, 'write') as unknown as Record<string, (argument: unknown) => unknown>;
  const call = <T>(name: string, argument: unknown) => procedures[`telemetry.${name}`]?.(argument) as T;
  const count = (table: string) =>
    (database.prepare(`SELECT count(*) AS count FROM ${table}`).get() as { count: number }).count;
  const seal = {
    begin: (request = EVERYTHING) => call<UnsealedHour[]>('seal.begin', request),
    read: (hour: UnsealedHour) => call<SealedPart>('seal.read', hour),
    finish: (part: SealedPart) => call<boolean>('seal.finish', part),
    all() {
      for (const hour of seal.begin()) while (seal.finish(seal.read(hour)));
    },
  };
  return {
    database,
    seal,
    rows: () => count('telemetry'),
    segments: () => count('telemetry_segments'),
    append: (...samples: Sample[]) => call('append', encode({ samples, counts: [] }, 0)),
    history: (order: 'asc' | 'desc' = 'asc', limit = 1_000): Sample[] => {
      const found: Sample[] = [];
      for (let after: number | undefined; ; ) {
        const query = { deviceId: 1, start: 0, end: 9e15, order, limit, ...(after === undefined ? {} : { after }) };
        const { samples, next } = call<HistoryPage>('history', query);
        found.push(...samples.map((sample) => ({ deviceId: 1, ...sample })));
        if (next === null) return found;
        after = next;
      }
    },
    series: (metric: string, limit: number) => {
      const found: [number, number][] = [];
      for (let after: number | undefined; ; ) {
        const query = { deviceId: 1, metric, start: 0, end: 9e15, limit, ...(after === undefined ? {} : { after }) };
        const { timestamps, values, next } = call<SeriesSlice>('series', query);
        for (const [at, time] of timestamps.entries()) found.push([time, values[at] as number]);
        if (next === null) return found;
        after = next;
      }
    },
    ledger: () => call<LedgerEntry>('ledger', 1),
    /** By metric and bucket. */
    raw: (query: Partial<AggregationQuery> & { edges: readonly number[] }) => {
      const part = call<RawPart>('raw', {
        ...{ deviceId: 1, metrics: null, from: query.edges[0], to: query.edges.at(-1), limit: 20_000 },
        ...{ moments: true, sketch: true, percentiles: [0.5], ...query },
      });
      return { next: part.next, cells: new Map(part.cells.map((cell) => [`${cell.metric} ${cell.bucket}`, cell])) };
    },
    removeOlderThan: (before: number, limit: number) => call<number>('deleteOlderThan', { before, limit }),
  };
}

const sample = (timestamp: number, metrics: Metrics): Sample => ({ deviceId: 1, timestamp, metrics });
const perSecond = (count: number, start = T0) =>
  Array.from({ length: count }, (_, index) => sample(start + index * 1_000, { t: index / 100, on: index % 2 === 0 }));

describe('sealing', () => {
  test('puts the samples of an hour into segments, in which they are what they were', () => {
    const store = openStore();
    const samples = perSecond(7_200);
    store.append(...samples);
    const edges = [T0, T0 + HOUR / 2, T0 + 2 * HOUR];
    const before = store.raw({ edges });
    store.seal.all();
    expect([store.rows(), store.segments()]).toEqual([0, 2]);
    expect(store.history()).toEqual(samples);
    expect(store.history('desc', 7)).toEqual(samples.toReversed());
    expect(store.raw({ edges })).toEqual(before);
    expect(store.seal.begin()).toEqual([]);
  });

  test('leaves an hour alone that is not over, or in which something has just come', () => {
    const store = openStore();
    store.append(sample(T0, { a: 1 }));
    const hour = Math.floor(T0 / HOUR) * HOUR;
    const changed = Date.now();
    expect(store.seal.begin({ ...EVERYTHING, endedBefore: hour + HOUR - 1 })).toEqual([]);
    expect(store.seal.begin({ ...EVERYTHING, changedBefore: changed - 60_000 })).toEqual([]);
    expect(store.seal.begin({ ...EVERYTHING, endedBefore: hour + HOUR, changedBefore: Date.now() + 1 })).toHaveLength(
      1,
    );
  });

  test('an hour that changes while it is sealed is left as it is, and sealed later', () => {
    const store = openStore();
    store.append(sample(T0, { a: 1 }), sample(T0 + 5, { a: 2 }));
    const part = store.seal.read(store.seal.begin()[0] as UnsealedHour);
    store.append(sample(T0 + 2, { a: 3 }), sample(T0, { b: 4 }));
    expect(store.seal.finish(part)).toBe(false);
    const all = [sample(T0, { a: 1, b: 4 }), sample(T0 + 2, { a: 3 }), sample(T0 + 5, { a: 2 })];
    expect(store.history()).toEqual(all);
    store.seal.all();
    expect(store.history()).toEqual(all);
    expect([store.rows(), store.segments()]).toEqual([0, 1]);
  });

  test('two that seal the same hour at once do it once', () => {
    const store = openStore();
    store.append(sample(T0, { a: 1 }));
    const [first] = store.seal.begin();
    const [second] = store.seal.begin();
    const parts = [store.seal.read(first as UnsealedHour), store.seal.read(second as UnsealedHour)];
    expect(parts.map((part) => store.seal.finish(part))).toEqual([true, false]);
    expect(store.segments()).toBe(1);
    expect(store.history()).toEqual([sample(T0, { a: 1 })]);
  });

  test('a late sample is merged with a sealed one, counted as merged, and its hour sealed again', () => {
    const store = openStore();
    store.append(sample(T0, { a: 1, b: 'x' }), sample(T0 + 1, { a: 2 }));
    store.seal.all();
    expect(store.append(sample(T0, { b: 'y', c: true }), sample(T0 + 2, { a: 3 }))).toMatchObject({ merged: [0] });
    const all = [sample(T0, { a: 1, b: 'y', c: true }), sample(T0 + 1, { a: 2 }), sample(T0 + 2, { a: 3 })];
    expect(store.history()).toEqual(all);
    expect(store.ledger()).toEqual({ stored: 3, merged: 1, rejected: {} });
    store.seal.all();
    expect([store.rows(), store.segments()]).toEqual([0, 1]);
    expect(store.history()).toEqual(all);
    expect(store.history('desc')).toEqual(all.toReversed());
  });

  test('a late sample in the middle of a dense hour rewrites what is around it alone', () => {
    const store = openStore();
    const dense = Array.from({ length: 40_000 }, (_, index) => sample(T0 + index * 50, { a: index }));
    store.append(...dense);
    store.seal.all();
    const segments = store.segments();
    expect(segments).toBe(10);
    store.append(sample(T0 + 1_000_001, { a: -1 }));
    const part = store.seal.read(store.seal.begin()[0] as UnsealedHour);
    expect(part.replaced).toHaveLength(1);
    store.seal.finish(part);
    expect(store.history().length).toBe(40_001);
    expect(store.segments()).toBe(segments + 1);
  });

  test('removal of what is old goes through the middle of a segment, and no further than it may', () => {
    const store = openStore();
    const samples = perSecond(1_000);
    store.append(...samples);
    store.seal.all();
    expect(store.removeOlderThan(T0 + 500_000, 100)).toBe(100);
    expect(store.history()).toEqual(samples.slice(100));
    expect(store.removeOlderThan(T0 + 500_000, 1_000)).toBe(400);
    expect(store.removeOlderThan(T0 + 500_000, 1_000)).toBe(0);
    expect(store.history()).toEqual(samples.slice(500));
    store.seal.all();
    expect(store.history()).toEqual(samples.slice(500));
    expect(store.removeOlderThan(9e15, 1_000)).toBe(500);
    expect(store.segments()).toBe(0);
  });

  test('a file of the version before is read as it is, and sealed by and by', () => {
    const database = new DatabaseSync(':memory:');
    const old = openStore(database);
    const samples = perSecond(100);
    old.append(...samples);
    database.exec('DROP TABLE telemetry_segments; DROP TABLE telemetry_unsealed_hours');
    database.exec('UPDATE telemetry_schema SET version = 4');
    const store = openStore(database);
    expect(store.history()).toEqual(samples);
    expect(store.ledger()).toEqual({ stored: 100, merged: 0, rejected: {} });
    store.seal.all();
    expect([store.rows(), store.segments()]).toEqual([0, 1]);
    expect(store.history()).toEqual(samples);
  });

  test('whatever comes between whatever steps, the store says what a map would', () => {
    const time = fc.integer({ min: 0, max: 40 }).map((at) => T0 + at * 300_000);
    const value = fc.oneof(fc.integer({ min: 0, max: 9 }), fc.constantFrom(0.5, true, 'on'));
    const step = fc.oneof(
      fc.record({
        kind: fc.constant('append' as const),
        samples: fc.array(fc.tuple(time, fc.dictionary(fc.constantFrom('a', 'b', 'c'), value, { minKeys: 1 })), {
          minLength: 1,
          maxLength: 6,
        }),
      }),
      fc.record({ kind: fc.constantFrom('begin' as const, 'read' as const, 'finish' as const, 'all' as const) }),
      fc.record({ kind: fc.constant('remove' as const), before: time }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), fc.integer({ min: 1, max: 5 }), (steps, limit) => {
        const store = openStore();
        const model = new Map<number, Metrics>();
        let begun: UnsealedHour[] = [];
        let read: SealedPart[] = [];
        for (const each of steps) {
          if (each.kind === 'append') {
            store.append(...each.samples.map(([timestamp, metrics]) => sample(timestamp, metrics)));
            for (const [timestamp, metrics] of each.samples)
              model.set(timestamp, { ...model.get(timestamp), ...metrics });
          } else if (each.kind === 'remove') {
            while (store.removeOlderThan(each.before, 3) === 3);
            for (const timestamp of model.keys()) if (timestamp < each.before) model.delete(timestamp);
          } else if (each.kind === 'all') store.seal.all();
          else if (each.kind === 'begin') begun = store.seal.begin();
          else if (each.kind === 'read') read = begun.map(store.seal.read);
          else for (const part of read) store.seal.finish(part);
        }
        const expected = [...model].sort(([a], [b]) => a - b).map(([timestamp, metrics]) => sample(timestamp, metrics));
        expect(store.history('asc', limit)).toEqual(expected);
        expect(store.history('desc', limit)).toEqual(expected.toReversed());
        expect(store.series('a', limit)).toEqual(
          expected.flatMap(({ timestamp, metrics: { a } }) =>
            a === undefined || typeof a === 'string' ? [] : [[timestamp, Number(a)]],
          ),
        );
        const edges = [T0, T0 + 2 * HOUR, T0 + 9e9];
        const other = openStore();
        if (expected.length > 0) other.append(...expected);
        expect(store.raw({ edges, metrics: ['a', 'b'] })).toEqual(other.raw({ edges, metrics: ['a', 'b'] }));
        other.database.close();
        store.database.close();
      }),
      { numRuns: 300 },
    );
  });
});
