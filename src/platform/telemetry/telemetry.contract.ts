import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { defined } from '#kernel/defined.ts';
import type { DocumentCollection } from '#platform/documents/documents.port.ts';
import {
  type LatestValue,
  type LoggedDocument,
  MAX_SAMPLE_METRICS,
  type Metrics,
  type MetricValue,
  type Sample,
  type TelemetryStore,
} from './telemetry.port.ts';

/** What a test may do to the store's surroundings. */
export interface TelemetryHarness {
  readonly store: TelemetryStore;
  /** Of the document store beside it. */
  readonly logs: DocumentCollection<LoggedDocument & { readonly text: string; readonly timestamp: number }>;
  /** Stops the store and opens the same data again, as a new process would. */
  reopen(): Promise<TelemetryStore>;
  close(): Promise<void>;
}

const T0 = 1_760_000_000_000;

/** The specification of `TelemetryStore`; every adapter passes it unchanged. */
export function telemetryContract(name: string, open: () => Promise<TelemetryHarness>): void {
  describe(`telemetry store: ${name}`, () => {
    let harness: TelemetryHarness;
    let store: TelemetryStore;
    let nextDevice = 1;
    const newDevice = () => nextDevice++;
    const append = (...samples: Sample[]) => store.append({ samples, counts: [] });
    const all = async (deviceId: number) =>
      (await store.history({ deviceId, start: 0, end: 9e15, order: 'asc', limit: 1000 })).samples;

    beforeAll(async () => {
      harness = await open();
      store = harness.store;
    });
    afterAll(() => harness.close());

    test('without a device the totals are zero', async () => {
      expect(await store.totals()).toEqual({ stored: 0, merged: 0, rejected: {} });
    });

    test('a sample is found in history, latest values and ledger', async () => {
      const deviceId = newDevice();
      const result = await append({ deviceId, timestamp: T0, metrics: { t: 21.5, on: true, mode: 'eco' } });
      expect(result.merged).toEqual([]);
      expect(await all(deviceId)).toEqual([{ timestamp: T0, metrics: { t: 21.5, on: true, mode: 'eco' } }]);
      expect(await store.latest(deviceId)).toEqual({
        t: { value: 21.5, timestamp: T0 },
        on: { value: true, timestamp: T0 },
        mode: { value: 'eco', timestamp: T0 },
      });
      expect(await store.ledger(deviceId)).toEqual({ stored: 1, merged: 0, rejected: {} });
    });

    test('an unknown device has nothing', async () => {
      const deviceId = newDevice();
      expect(await all(deviceId)).toEqual([]);
      expect(await store.latest(deviceId)).toEqual({});
      expect(await store.ledger(deviceId)).toEqual({ stored: 0, merged: 0, rejected: {} });
    });

    test('logs are stored and counted with the samples, each once', async () => {
      const [one, other] = [newDevice(), newDevice()];
      const log = (device_id: number, n: number) => ({
        id: `${device_id}-${n}`,
        device_id,
        text: `log ${n}`,
        timestamp: T0,
      });
      const { logs } = harness;
      const appendLogs = (documents: readonly LoggedDocument[], samples: readonly Sample[] = []) =>
        store.append({
          samples,
          counts: [{ deviceId: one, rejected: { x: 1 } }],
          logs: { collection: logs, documents },
        });
      const sample = { deviceId: one, timestamp: T0, metrics: { a: 1 } };

      const first = await appendLogs([log(one, 1), log(other, 1), log(one, 1)], [sample, sample]);
      expect(first).toEqual({ merged: [1], leftOut: [], newLogs: [true, true, false] });
      expect((await appendLogs([log(one, 1), log(one, 2)])).newLogs).toEqual([false, true]);
      expect((await append(sample)).newLogs).toEqual([]);

      expect(await store.ledger(one)).toEqual({ stored: 3, merged: 4, rejected: { x: 2 } });
      expect(await store.ledger(other)).toEqual({ stored: 1, merged: 0, rejected: {} });
      const query = { sort: { field: 'timestamp', direction: 'asc' }, limit: 10 } as const;
      expect(await logs.list({ ...query, filter: { device_id: one } })).toEqual([log(one, 1), log(one, 2)]);
      expect(await logs.count({ filter: { device_id: other } })).toBe(1);
    });

    test('the same time again is merged, the later value of a metric wins', async () => {
      const deviceId = newDevice();
      await append({ deviceId, timestamp: T0, metrics: { a: 1, b: 1 } });
      const result = await append(
        { deviceId, timestamp: T0 + 1, metrics: { a: 5 } },
        { deviceId, timestamp: T0, metrics: { b: 2, c: 3 } },
        { deviceId, timestamp: T0 + 1, metrics: { a: 6 } },
      );
      expect(result.merged).toEqual([1, 2]);
      expect(await all(deviceId)).toEqual([
        { timestamp: T0, metrics: { a: 1, b: 2, c: 3 } },
        { timestamp: T0 + 1, metrics: { a: 6 } },
      ]);
      expect(await store.ledger(deviceId)).toEqual({ stored: 2, merged: 2, rejected: {} });
    });

    test('a late sample goes into history and replaces no newer latest value', async () => {
      const deviceId = newDevice();
      await append({ deviceId, timestamp: T0 + 10, metrics: { a: 10 } });
      await append({ deviceId, timestamp: T0, metrics: { a: 0, b: 0 } });
      expect(await store.latest(deviceId)).toEqual({
        a: { value: 10, timestamp: T0 + 10 },
        b: { value: 0, timestamp: T0 },
      });
      expect((await all(deviceId)).map((sample) => sample.timestamp)).toEqual([T0, T0 + 10]);
    });

    test('a sample that is merged again and again stops growing, and takes new values of what it has', async () => {
      const deviceId = newDevice();
      const names = (from: number, count: number, value: number) =>
        Object.fromEntries(Array.from({ length: count }, (_, n) => [`m${from + n}`, value]));
      await append({ deviceId, timestamp: T0, metrics: names(0, MAX_SAMPLE_METRICS - 2, 1) });
      const result = await append(
        { deviceId, timestamp: T0 + 1, metrics: { other: 1 } },
        { deviceId, timestamp: T0, metrics: { a: 1, b: 1, c: 1 } },
        { deviceId, timestamp: T0, metrics: { a: 2, b: 2 } },
        { deviceId, timestamp: T0, metrics: { d: 1 } },
        { deviceId, timestamp: T0, metrics: { a: 3, m0: 3 } },
      );
      expect(result).toEqual({
        newLogs: [],
        merged: [2, 4],
        leftOut: [
          { index: 1, reason: 'sample_full' },
          { index: 3, reason: 'sample_full' },
        ],
      });
      const [sample] = await all(deviceId);
      expect(sample?.metrics).toEqual({ ...names(0, MAX_SAMPLE_METRICS - 2, 1), m0: 3, a: 3, b: 2 });
      expect(await store.ledger(deviceId)).toEqual({ stored: 2, merged: 2, rejected: { sample_full: 2 } });
      const latest = await store.latest(deviceId);
      expect(latest).toMatchObject({ a: { value: 3, timestamp: T0 }, b: { value: 2 }, other: { value: 1 } });
      expect(Object.keys(latest).filter((name) => ['c', 'd'].includes(name))).toEqual([]);
      // Within one batch as well, where nothing is stored yet.
      const another = newDevice();
      const first = { deviceId: another, timestamp: T0, metrics: names(0, MAX_SAMPLE_METRICS, 1) };
      const second = { deviceId: another, timestamp: T0, metrics: { one: 'more' } };
      expect(await append(first, second)).toEqual({
        merged: [],
        leftOut: [{ index: 1, reason: 'sample_full' }],
        newLogs: [],
      });
      expect((await all(another))[0]?.metrics).toEqual(first.metrics);
    });

    test('metric names that objects inherit are names like others', async () => {
      const deviceId = newDevice();
      const metrics = { constructor: 1, toString: 2, hasOwnProperty: 3 } as unknown as Metrics;
      await append({ deviceId, timestamp: T0, metrics });
      expect(Object.keys(await store.latest(deviceId)).sort()).toEqual(['constructor', 'hasOwnProperty', 'toString']);
      await append({ deviceId, timestamp: T0, metrics: { constructor: 9 } as unknown as Metrics });
      expect((await all(deviceId))[0]?.metrics).toEqual({ ...metrics, constructor: 9 });
    });

    test('counts of what is stored elsewhere go into the ledger', async () => {
      const deviceId = newDevice();
      await store.append({ samples: [], counts: [{ deviceId, stored: 2, merged: 1, rejected: { invalid_json: 3 } }] });
      await store.append({
        samples: [{ deviceId, timestamp: T0, metrics: { a: 1 } }],
        counts: [{ deviceId, rejected: { invalid_json: 1, empty_metrics: 1 } }],
      });
      expect(await store.ledger(deviceId)).toEqual({
        stored: 3,
        merged: 1,
        rejected: { invalid_json: 4, empty_metrics: 1 },
      });
    });

    test('totals are the sum of all ledgers', async () => {
      const before = await store.totals();
      const [one, other] = [newDevice(), newDevice()];
      const sample = { deviceId: one, timestamp: T0, metrics: { a: 1 } };
      await append(sample);
      await append(sample, { ...sample, deviceId: other });
      await store.append({
        samples: [],
        counts: [
          { deviceId: one, stored: 4, merged: 1, rejected: { 'of.totals$': 3, of_one: 1 } },
          { deviceId: other, rejected: { 'of.totals$': 2 } },
        ],
      });
      expect(await store.totals()).toEqual({
        stored: before.stored + 6,
        merged: before.merged + 2,
        rejected: { ...before.rejected, 'of.totals$': 5, of_one: 1 },
      });
      await store.restore(one, { latest: {}, ledger: { stored: 1, merged: 0, rejected: { of_one: 1 } } });
      expect(await store.totals()).toMatchObject({
        stored: before.stored + 2,
        merged: before.merged,
        rejected: { 'of.totals$': 2, of_one: 1 },
      });
    });

    test('history pages in both directions without gaps or repeats', async () => {
      const deviceId = newDevice();
      const times = Array.from({ length: 25 }, (_, i) => T0 + i * 7);
      await append(
        ...times.map((timestamp, i) => ({ deviceId, timestamp, metrics: i % 2 === 0 ? { even: i } : { odd: i } })),
      );
      await append({ deviceId: newDevice(), timestamp: T0 + 3, metrics: { even: 1 } });
      for (const order of ['asc', 'desc'] as const) {
        for (const metrics of [undefined, ['even']]) {
          const seen: number[] = [];
          let after: number | undefined;
          for (;;) {
            const page = await store.history({
              deviceId,
              start: T0,
              end: T0 + 1e6,
              order,
              limit: 4,
              ...defined({ metrics, after }),
            });
            seen.push(...page.samples.map((sample) => sample.timestamp));
            if (page.next === null) break;
            after = page.next;
          }
          const expected = times.filter((_, i) => metrics === undefined || i % 2 === 0);
          expect(seen).toEqual(order === 'asc' ? expected : expected.toReversed());
        }
      }
    });

    test('a range includes its start and excludes its end', async () => {
      const deviceId = newDevice();
      await append(...[0, 1, 2, 3].map((i) => ({ deviceId, timestamp: T0 + i, metrics: { i } })));
      const page = await store.history({ deviceId, start: T0 + 1, end: T0 + 3, order: 'asc', limit: 10 });
      expect(page.samples.map((sample) => sample.timestamp)).toEqual([T0 + 1, T0 + 2]);
      expect(page.next).toBeNull();
    });

    test('appends commit in the order of the calls', async () => {
      const deviceId = newDevice();
      await Promise.all(
        Array.from({ length: 50 }, (_, n) =>
          store.append({ samples: [{ deviceId, timestamp: T0, metrics: { n } }], counts: [] }),
        ),
      );
      expect(await store.latest(deviceId)).toEqual({ n: { value: 49, timestamp: T0 } });
      expect((await all(deviceId))[0]?.metrics).toEqual({ n: 49 });
    });

    test('old samples are removed up to the limit, latest values and ledger stay', async () => {
      const deviceId = newDevice();
      await append(...[0, 1, 2, 3, 4].map((i) => ({ deviceId, timestamp: 1_000 + i, metrics: { i } })));
      expect(await store.deleteOlderThan(1_003, 2)).toBe(2);
      expect((await all(deviceId)).map((sample) => sample.timestamp)).toEqual([1_002, 1_003, 1_004]);
      expect(await store.deleteOlderThan(1_003, 100)).toBe(1);
      expect(await store.deleteOlderThan(1_003, 100)).toBe(0);
      expect(await store.latest(deviceId)).toEqual({ i: { value: 4, timestamp: 1_004 } });
      expect((await store.ledger(deviceId)).stored).toBe(5);
    });

    test('restored latest values and counts stand, whatever was there, and appends go on from them', async () => {
      const deviceId = newDevice();
      const state = {
        latest: { a: { value: 'x', timestamp: T0 + 5 }, 'b.c$%': { value: 2, timestamp: T0 + 9 } },
        ledger: { stored: 10, merged: 3, rejected: { invalid_json: 2 } },
      };
      await append({ deviceId, timestamp: T0, metrics: { a: 1, gone: 1 } });
      for (let times = 0; times < 2; times += 1) {
        await store.restore(deviceId, state);
        expect(await store.latest(deviceId)).toEqual(state.latest);
        expect(await store.ledger(deviceId)).toEqual(state.ledger);
      }
      await store.append({
        samples: [{ deviceId, timestamp: T0 + 7, metrics: { a: 7, 'b.c$%': 7 } }],
        counts: [{ deviceId, rejected: { invalid_json: 1 } }],
      });
      expect(await store.latest(deviceId)).toEqual({
        a: { value: 7, timestamp: T0 + 7 },
        'b.c$%': { value: 2, timestamp: T0 + 9 },
      });
      expect(await store.ledger(deviceId)).toEqual({ stored: 11, merged: 3, rejected: { invalid_json: 3 } });
      const unknown = newDevice();
      await store.restore(unknown, state);
      expect(await store.latest(unknown)).toEqual(state.latest);
      expect(await all(unknown)).toEqual([]);
    });

    test('the devices are listed by id, also those that only have counts', async () => {
      const [first, second, third] = [newDevice(), newDevice(), newDevice()];
      await append({ deviceId: third, timestamp: T0, metrics: { a: 1 } });
      await append({ deviceId: first, timestamp: T0, metrics: { a: 1 } });
      await store.append({ samples: [], counts: [{ deviceId: second, rejected: { x: 1 } }] });
      expect(await store.deviceIds(first - 1, 10)).toEqual([first, second, third]);
      expect(await store.deviceIds(first - 1, 2)).toEqual([first, second]);
      expect(await store.deviceIds(third, 10)).toEqual([]);
    });

    test('everything is still there after reopening, and goes on from there', async () => {
      const deviceId = newDevice();
      await store.append({
        samples: [{ deviceId, timestamp: T0, metrics: { a: 1 } }],
        counts: [{ deviceId, rejected: { x: 1 } }],
      });
      store = await harness.reopen();
      await append({ deviceId, timestamp: T0, metrics: { a: 1 } }, { deviceId, timestamp: T0 - 5, metrics: { a: 0 } });
      expect(await store.ledger(deviceId)).toEqual({ stored: 2, merged: 1, rejected: { x: 1 } });
      expect(await store.latest(deviceId)).toEqual({ a: { value: 1, timestamp: T0 } });
    });

    test('any sequence of appends equals a plain model', async () => {
      const value = fc.oneof(
        fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => n + 0),
        fc.boolean(),
        fc.string(),
      );
      const sample = fc.record({
        slot: fc.nat(2),
        timestamp: fc.nat(6).map((n) => T0 + n),
        metrics: fc.dictionary(fc.constantFrom('a', 'b', 'constructor', 'valueOf'), value, {
          minKeys: 1,
          noNullPrototype: true,
        }),
      });
      await fc.assert(
        fc.asyncProperty(fc.array(fc.array(sample, { maxLength: 8 }), { maxLength: 6 }), async (batches) => {
          const ids = [newDevice(), newDevice(), newDevice()];
          const model = createModel();
          for (const batch of batches) {
            const samples = batch.map(({ slot, timestamp, metrics }) => ({
              deviceId: ids[slot] ?? 0,
              timestamp,
              metrics,
            }));
            const { merged } = await store.append({ samples, counts: [] });
            expect(merged).toEqual(model.append(samples));
          }
          for (const deviceId of ids) {
            expect(await all(deviceId)).toEqual(model.history(deviceId));
            expect(await store.latest(deviceId)).toEqual(model.latest(deviceId));
            const ledger = await store.ledger(deviceId);
            expect(ledger.stored).toBe(model.history(deviceId).length);
          }
        }),
        { numRuns: 40 },
      );
    });
  });
}

/** The slow, obvious telemetry store. */
function createModel() {
  const devices = new Map<
    number,
    { samples: Map<number, Map<string, MetricValue>>; latest: Map<string, LatestValue> }
  >();
  const of = (deviceId: number) => {
    const device = devices.get(deviceId) ?? { samples: new Map(), latest: new Map() };
    devices.set(deviceId, device);
    return device;
  };
  return {
    append(samples: readonly Sample[]): number[] {
      const merged: number[] = [];
      for (const [index, { deviceId, timestamp, metrics }] of samples.entries()) {
        const device = of(deviceId);
        if (device.samples.has(timestamp)) merged.push(index);
        const sample = device.samples.get(timestamp) ?? new Map<string, MetricValue>();
        device.samples.set(timestamp, sample);
        for (const [name, value] of Object.entries(metrics)) {
          sample.set(name, value);
          if ((device.latest.get(name)?.timestamp ?? 0) <= timestamp) device.latest.set(name, { value, timestamp });
        }
      }
      return merged;
    },
    history: (deviceId: number) =>
      [...of(deviceId).samples]
        .sort(([a], [b]) => a - b)
        .map(([timestamp, metrics]) => ({ timestamp, metrics: Object.fromEntries(metrics) })),
    latest: (deviceId: number) => Object.fromEntries(of(deviceId).latest),
  };
}
