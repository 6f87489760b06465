import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TelemetryHarness } from './telemetry.contract.ts';
import { REMEMBERED_BATCHES, type TelemetryStore } from './telemetry.port.ts';

const T0 = 1_760_000_000_000;

/** The part of the specification of `TelemetryStore` that is about the id of a batch. */
export function telemetryBatchesContract(name: string, open: () => Promise<TelemetryHarness>): void {
  describe(`batches of telemetry: ${name}`, () => {
    let harness: TelemetryHarness;
    let store: TelemetryStore;
    let nextDevice = 1;
    const newDevice = () => nextDevice++;

    beforeAll(async () => {
      harness = await open();
      store = harness.store;
    });
    afterAll(() => harness.close());

    test('a batch is recognised by its id: called again it answers the same, and nothing is stored or counted twice', async () => {
      const [deviceId, other] = [newDevice(), newDevice()];
      const batch = () => ({
        id: `batch ${deviceId}`,
        // As those without a time stamp of their own are: nothing else tells one from its repetition.
        samples: [
          { deviceId, timestamp: T0, metrics: { a: 1 } },
          { deviceId, timestamp: T0, metrics: { b: 2 } },
        ],
        counts: [{ deviceId: other, stored: 1, rejected: { x: 2 } }],
        logs: {
          collection: harness.logs,
          documents: [{ id: `id-${deviceId}`, device_id: deviceId, text: '', timestamp: T0 }],
        },
      });
      const first = await store.append(batch());
      expect(first).toMatchObject({ merged: [1], newLogs: [true] });
      expect(await store.append(batch())).toEqual(first);
      expect(await store.ledger(deviceId)).toEqual({ stored: 2, merged: 1, rejected: {} });
      expect(await store.ledger(other)).toEqual({ stored: 1, merged: 0, rejected: { x: 2 } });
      // The same content under another id, or none, is another batch.
      expect(await store.append({ ...batch(), id: `another ${deviceId}` })).toMatchObject({
        merged: [0, 1],
        newLogs: [false],
      });
      const { id: _, ...nameless } = batch();
      await store.append(nameless);
      await store.append(nameless);
      expect(await store.ledger(other)).toEqual({ stored: 4, merged: 0, rejected: { x: 8 } });
    });

    test('so many batches are recognised as the port says, then the oldest is forgotten', async () => {
      const deviceId = newDevice();
      const append = (n: number) =>
        store.append({ id: `${deviceId}/${n}`, samples: [], counts: [{ deviceId, stored: 1 }] });
      for (let n = 0; n < REMEMBERED_BATCHES; n += 1) await append(n);
      for (let n = 0; n < REMEMBERED_BATCHES; n += 1) await append(n);
      expect(await store.ledger(deviceId)).toMatchObject({ stored: REMEMBERED_BATCHES });
      await append(REMEMBERED_BATCHES);
      await append(0);
      expect(await store.ledger(deviceId)).toMatchObject({ stored: REMEMBERED_BATCHES + 2 });
    });
  });
}
