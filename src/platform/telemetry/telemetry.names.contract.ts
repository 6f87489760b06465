import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TelemetryHarness } from './telemetry.contract.ts';
import {
  type LatestValue,
  type Metrics,
  type MetricValue,
  NAME_KEPT_MS,
  type Sample,
  type TelemetryStore,
} from './telemetry.port.ts';

const T0 = 1_760_000_000_000;

/** The part of the specification of `TelemetryStore` that is about a device with many metric names. */
export function telemetryNamesContract(name: string, open: () => Promise<TelemetryHarness>): void {
  describe(`names of a device: ${name}`, () => {
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

    test('many names and long texts have latest values like few and short ones', async () => {
      const deviceId = newDevice();
      const names = (from: number, count: number, value: MetricValue) =>
        Object.fromEntries(Array.from({ length: count }, (_, n) => [`m${from + n}`, value]));
      const expected: Record<string, LatestValue> = {};
      const note = async (timestamp: number, metrics: Metrics) => {
        await append({ deviceId, timestamp, metrics });
        for (const [name, value] of Object.entries(metrics)) {
          if ((expected[name]?.timestamp ?? 0) <= timestamp) expected[name] = { value, timestamp };
        }
        expect(await store.latest(deviceId)).toEqual(expected);
      };
      await note(T0, names(0, 20, 1));
      await note(T0 + 1, names(10, 100, 'x'.repeat(100)));
      await note(T0 + 3, names(50, 100, true));
      await note(T0 + 2, names(100, 100, -0.5));
      await note(T0 + 3, names(0, 2, 'y'.repeat(5_000)));
      await note(T0 + 4, { 'dot.ted': 1, constructor: 2 } as unknown as Metrics);
      store = await harness.reopen();
      await note(T0 + 5, names(195, 10, false));
      const { latest, ledger } = { latest: await store.latest(deviceId), ledger: await store.ledger(deviceId) };
      const another = newDevice();
      await store.restore(another, { latest, ledger });
      await store.restore(another, { latest, ledger });
      expect(await store.latest(another)).toEqual(expected);
      await store.restore(another, { latest: { a: { value: 1, timestamp: T0 } }, ledger });
      expect(await store.latest(another)).toEqual({ a: { value: 1, timestamp: T0 } });
    });

    test('a device gets no more names than it may have; what it has goes on', async () => {
      const deviceId = newDevice();
      const names = (from: number, count: number) =>
        Object.fromEntries(Array.from({ length: count }, (_, n) => [`m${from + n}`, 1]));
      const send = (...metrics: Metrics[]) => {
        const samples = metrics.map((each, n) => ({ deviceId, timestamp: T0 + n, metrics: each }));
        return store.append({ samples, counts: [], maxNames: 50 });
      };
      const crowded = (...indexes: number[]) => indexes.map((index) => ({ index, reason: 'too_many_names' }));
      expect((await send(names(0, 40))).leftOut).toEqual([]);
      const other = newDevice();
      const result = await store.append({
        samples: [
          { deviceId, timestamp: T0 + 1, metrics: names(30, 15) },
          { deviceId, timestamp: T0 + 2, metrics: names(45, 6) },
          { deviceId: other, timestamp: T0, metrics: names(0, 50) },
          { deviceId, timestamp: T0 + 3, metrics: { ...names(0, 30), ...names(45, 5) } },
          { deviceId, timestamp: T0 + 3, metrics: { new: 1, m0: 2 } },
        ],
        counts: [{ deviceId, rejected: { too_many_names: 1 } }],
        maxNames: 50,
      });
      expect(result).toEqual({ merged: [], leftOut: crowded(1, 4), newLogs: [] });
      expect(Object.keys(await store.latest(deviceId)).toSorted()).toEqual(Object.keys(names(0, 50)).toSorted());
      expect((await store.latest(deviceId))['m0']).toEqual({ value: 1, timestamp: T0 + 3 });
      expect((await all(deviceId)).map(({ timestamp }) => timestamp)).toEqual([T0, T0 + 1, T0 + 3]);
      expect(await store.ledger(deviceId)).toEqual({ stored: 3, merged: 0, rejected: { too_many_names: 3 } });
      store = await harness.reopen();
      expect((await send({ one: 1 }, { m7: 7 })).leftOut).toEqual(crowded(0));
      // Without a limit, as when a store is copied.
      expect((await append({ deviceId, timestamp: T0 + 9, metrics: { one: 1 } })).leftOut).toEqual([]);
    });

    test('names that a device has not sent for a month make room for new ones', async () => {
      const deviceId = newDevice();
      const names = (from: number, count: number) =>
        Object.fromEntries(Array.from({ length: count }, (_, n) => [`m${from + n}`, 1]));
      const send = (timestamp: number, metrics: Metrics) =>
        store.append({ samples: [{ deviceId, timestamp, metrics }], counts: [], maxNames: 40 });
      await send(T0, names(0, 40));
      await send(T0 + NAME_KEPT_MS / 2, names(0, 5));
      expect((await send(T0 + NAME_KEPT_MS, names(40, 1))).leftOut).toHaveLength(1);
      expect((await send(T0 + NAME_KEPT_MS + 1, names(40, 36))).leftOut).toHaveLength(1);
      expect((await send(T0 + NAME_KEPT_MS + 1, names(40, 35))).leftOut).toEqual([]);
      expect(Object.keys(await store.latest(deviceId)).toSorted()).toEqual(
        Object.keys({ ...names(0, 5), ...names(40, 35) }).toSorted(),
      );
      expect((await all(deviceId))[0]?.metrics).toEqual(names(0, 40));
      expect((await send(T0 + NAME_KEPT_MS + 2, names(100, 1))).leftOut).toHaveLength(1);
    });
  });
}
