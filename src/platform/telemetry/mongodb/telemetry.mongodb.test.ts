import { randomUUID } from 'node:crypto';
import type { Document } from 'mongodb';
import { describe, expect, test } from 'vitest';
import { systemClock } from '#kernel/clock.ts';
import { silentLogger } from '#kernel/logger.ts';
import { createMongodbDocumentStore } from '#platform/documents/mongodb/documents.mongodb.ts';
import { createMongodbConnection, type MongodbConnection } from '#platform/mongodb/mongodb-connection.ts';
import { createLossyProxy } from '#test/support/lossy-proxy.ts';
import { databaseIn, dropMongoDatabase } from '#test/support/servers/mongodb.ts';
import { describeWithServer } from '#test/support/servers.ts';
import { aggregationContract } from '../aggregation.contract.ts';
import { telemetryBatchesContract } from '../telemetry.batches.contract.ts';
import { type TelemetryHarness, telemetryContract } from '../telemetry.contract.ts';
import { telemetryNamesContract } from '../telemetry.names.contract.ts';
import type { Metrics, Sample, TelemetryBatch, TelemetryStore } from '../telemetry.port.ts';
import { createMongodbTelemetryStore } from './telemetry.mongodb.ts';

const T0 = 1_760_000_000_000;
const soon = () => AbortSignal.timeout(20_000);
/** The driver looks for a server for five seconds before it gives up. */
const TIMEOUT = { timeout: 60_000 };
const sample = (deviceId: number, timestamp: number, metrics: Metrics): Sample => ({ deviceId, timestamp, metrics });
const unavailable = { kind: 'unavailable', code: 'unavailable' };

async function openStore(url: string, now: () => number = Date.now) {
  const connection = createMongodbConnection({ url, logger: silentLogger });
  await connection.start?.(soon());
  const store = createMongodbTelemetryStore({ connection, clock: { ...systemClock, now }, logger: silentLogger });
  await store.start?.(soon());
  const documents = createMongodbDocumentStore({ connection, clock: { ...systemClock, now } });
  const logs: TelemetryHarness['logs'] = documents.collection({ name: 'device_logs', indexes: [['timestamp']] });
  return {
    store,
    logs,
    connection,
    async close() {
      await store.stop?.(soon());
      await connection.stop?.(soon());
    },
  };
}

/** As to a server that is too slow for large inserts: more than `most` documents at once are never answered. */
function slowIn(connection: MongodbConnection, most: number): MongodbConnection {
  return {
    ...connection,
    collection<T extends Document>(name: string) {
      const collection = connection.collection<T>(name);
      if (name !== 'telemetry_data') return collection;
      const insertMany: typeof collection.insertMany = (documents, options) =>
        documents.length > most ? new Promise(() => {}) : collection.insertMany(documents, options);
      return Object.assign(Object.create(collection) as typeof collection, { insertMany });
    },
  };
}

const historyOf = async (store: TelemetryStore, deviceId: number) =>
  (await store.history({ deviceId, start: 0, end: 9e15, order: 'asc', limit: 1000 })).samples;

/** As the ingest does: with one id until it is taken. */
async function insist(store: TelemetryStore, batch: TelemetryBatch): Promise<readonly number[]> {
  const id = batch.id ?? randomUUID();
  return (await retried(() => store.append({ ...batch, id }))).merged;
}

async function retried<T>(step: () => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries += 1) {
    try {
      return await step();
    } catch (error) {
      expect(error).toMatchObject(unavailable);
      if (tries === 20) throw error;
    }
  }
}

await describeWithServer('mongodb', (server) => {
  const openHarness = async () => {
    const url = databaseIn(server.url);
    let opened = await openStore(url);
    return {
      store: opened.store,
      logs: opened.logs,
      async reopen() {
        await opened.close();
        opened = await openStore(url);
        return opened.store;
      },
      async close() {
        await opened.close();
        await dropMongoDatabase(url);
      },
    };
  };
  telemetryContract('mongodb', openHarness);
  telemetryBatchesContract('mongodb', openHarness);
  telemetryNamesContract('mongodb', openHarness);

  test('a batch that the server does not manage in time is taken in parts', TIMEOUT, async () => {
    const opened = await openStore(databaseIn(server.url));
    const store = createMongodbTelemetryStore({
      connection: slowIn(opened.connection, 100),
      clock: systemClock,
      logger: silentLogger,
      hungAfterMs: 300,
    });
    const samples = Array.from({ length: 900 }, (_, n) => sample(1, T0 + n, { n }));
    expect(await insist(store, { samples, counts: [] })).toEqual([]);
    expect(await historyOf(store, 1)).toHaveLength(900);
    expect(await store.ledger(1)).toEqual({ stored: 900, merged: 0, rejected: {} });
    // The next one is not tried as a whole first.
    expect(await insist(store, { samples: samples.slice(0, 300), counts: [] })).toHaveLength(300);
    await opened.close();
  });

  aggregationContract('mongodb', openHarness);

  describe('in MongoDB', () => {
    test('names that mean something to MongoDB or its driver are names like others', async () => {
      const url = databaseIn(server.url);
      const { store, close } = await openStore(url);
      const names = ['battery.level', '$set', 'a%2Eb', 'x\0y', '_bsontype', '__proto__', '0', 'ß-.é', '.', '%'];
      const metrics = Object.fromEntries(names.map((name, index) => [name, index]));
      const later = Object.fromEntries(names.map((name, index) => [name, `later ${index}`]));
      await store.append({ samples: [sample(1, T0, metrics)], counts: [] });
      expect(await historyOf(store, 1)).toEqual([{ timestamp: T0, metrics }]);
      await store.append({ samples: [sample(1, T0, later), sample(1, T0 - 1, metrics)], counts: [] });
      expect((await historyOf(store, 1))[1]).toEqual({ timestamp: T0, metrics: later });
      const latest = await store.latest(1);
      expect(Object.keys(latest).sort()).toEqual(names.toSorted());
      for (const [index, name] of names.entries()) {
        expect(latest[name]).toEqual({ value: `later ${index}`, timestamp: T0 });
        const found = await store.history({
          deviceId: 1,
          start: T0,
          end: T0 + 1,
          metrics: [name, 'other'],
          order: 'asc',
          limit: 1,
        });
        expect(found.samples).toEqual([{ timestamp: T0, metrics: Object.fromEntries([[name, `later ${index}`]]) }]);
      }
      await close();
      await dropMongoDatabase(url);
    });

    test('processes that append at once lose and double nothing, and the newest value wins', async () => {
      const url = databaseIn(server.url);
      const stores = await Promise.all([1, 2, 3].map(() => openStore(url)));
      const rounds = 30;
      await Promise.all(
        stores.map(async ({ store }, which) => {
          for (let round = 0; round < rounds; round += 1) {
            const own = sample(1, T0 + round * 10 + which, { own: which, newest: round * 10 + which });
            const shared = sample(2, T0 + round, { [`by${which}`]: round });
            await store.append({ samples: [own, shared], counts: [{ deviceId: 3, rejected: { x: 1 } }] });
          }
        }),
      );
      const { store } = stores[0] as { store: TelemetryStore };
      expect(await store.ledger(1)).toEqual({ stored: rounds * 3, merged: 0, rejected: {} });
      expect(await store.latest(1)).toEqual({
        own: { value: 2, timestamp: T0 + (rounds - 1) * 10 + 2 },
        newest: { value: (rounds - 1) * 10 + 2, timestamp: T0 + (rounds - 1) * 10 + 2 },
      });
      expect(await store.ledger(2)).toEqual({ stored: rounds, merged: rounds * 2, rejected: {} });
      for (const [round, { metrics }] of (await historyOf(store, 2)).entries()) {
        expect(metrics).toEqual({ by0: round, by1: round, by2: round });
      }
      expect(await store.ledger(3)).toEqual({ stored: 0, merged: 0, rejected: { x: rounds * 3 } });
      await Promise.all(stores.map(({ close }) => close()));
      await dropMongoDatabase(url);
    });

    // Which request of the append it is, and whether the server had executed it when the connection was lost.
    const cuts = [1, 2, 3, 4, 5, 6, 7].flatMap((request) =>
      (['before', 'after'] as const).map((moment) => ({ request, moment })),
    );
    test.each(cuts)(
      'a connection lost $moment request $request counts nothing twice and loses nothing',
      async (cut) => {
        const url = databaseIn(server.url);
        const proxy = await createLossyProxy(url, /telemetry_(data|devices)/);
        const { store, close } = await openStore(proxy.url);
        // Device 1 is known and has something newer, so that every step has work.
        await store.append({ samples: [sample(1, T0 + 9, { a: 9 }), sample(1, T0, { a: 0, b: 0 })], counts: [] });
        proxy.loseConnection(cut);
        const batch: TelemetryBatch = {
          samples: [
            sample(1, T0, { b: 1 }),
            sample(1, T0 + 1, { a: 1, c: 1 }),
            sample(2, T0, { a: 2 }),
            sample(2, T0, { b: 2 }),
          ],
          counts: [{ deviceId: 1, rejected: { x: 1 } }],
        };
        expect(await insist(store, batch)).toEqual([0, 3]);
        expect(await store.ledger(1)).toEqual({ stored: 3, merged: 1, rejected: { x: 1 } });
        expect(await store.ledger(2)).toEqual({ stored: 1, merged: 1, rejected: {} });
        expect(await historyOf(store, 1)).toEqual([
          { timestamp: T0, metrics: { a: 0, b: 1 } },
          { timestamp: T0 + 1, metrics: { a: 1, c: 1 } },
          { timestamp: T0 + 9, metrics: { a: 9 } },
        ]);
        expect(await store.latest(1)).toEqual({
          a: { value: 9, timestamp: T0 + 9 },
          b: { value: 1, timestamp: T0 },
          c: { value: 1, timestamp: T0 + 1 },
        });
        await close();
        await proxy.close();
        await dropMongoDatabase(url);
      },
    );

    test('an hour that is not over is marked once, and rolled up when it has been over for a while', async () => {
      const hour = 3_600_000;
      const start = Math.floor(T0 / hour) * hour;
      let now = start + 1;
      const url = databaseIn(server.url);
      const { store, connection, close } = await openStore(url, () => now);
      const append = (at: number) => store.append({ samples: [sample(1, start + at, { a: 1 })], counts: [] });
      const rollUp = () => store.rollUp({ endedBefore: Number.MAX_SAFE_INTEGER, limit: 10 });
      const rollups = connection.collection<{ _id: string; version: number; changed: boolean }>('telemetry_rollups');
      await append(0);
      await append(1);
      expect(await rollups.find().toArray()).toMatchObject([{ version: 1, changed: true }]);
      now = start + hour + 60_000;
      expect(await rollUp()).toBe(0);
      now = start + hour + 240_000;
      expect(await rollUp()).toBe(1);
      await append(2);
      expect(await rollups.find().toArray()).toMatchObject([{ version: 3, changed: true }]);
      const query = { deviceId: 1, metrics: ['a'], edges: [start, start + hour], percentiles: [], moments: false };
      expect((await store.aggregate({ ...query, source: 'auto' })).rows).toMatchObject([{ sum: 3 }]);
      expect(await rollUp()).toBe(1);
      expect(await store.aggregate({ ...query, source: 'auto' })).toMatchObject({
        source: 'rollup',
        rows: [{ sum: 3 }],
      });
      await close();
      await dropMongoDatabase(url);
    });

    test('samples from before there were roll-ups are rolled up', async () => {
      const url = databaseIn(server.url);
      const old = await openStore(url);
      const hour = 3_600_000;
      const start = Math.floor(T0 / hour) * hour;
      await old.store.append({ samples: [0, 1, hour].map((at) => sample(1, start + at, { a: 1 })), counts: [] });
      await old.connection.collection('telemetry_rollups').deleteMany({});
      const schema = old.connection.collection<{ _id: string; version: number }>('telemetry_schema');
      await schema.updateOne({ _id: 'telemetry' }, { $set: { version: 1 } });
      await old.close();
      const { store, close } = await openStore(url);
      const query = { deviceId: 1, metrics: ['a'], edges: [start, start + 2 * hour], percentiles: [], moments: false };
      expect((await store.aggregate({ ...query, source: 'auto' })).rows).toMatchObject([{ sum: 3 }]);
      expect(await store.rollUp({ endedBefore: T0 + 9 * hour, limit: 10 })).toBe(2);
      expect((await store.aggregate({ ...query, source: 'auto' })).rows).toMatchObject([{ sum: 3 }]);
      await close();
      await dropMongoDatabase(url);
    });

    test('a newer schema is refused', async () => {
      const url = databaseIn(server.url);
      const { connection, close } = await openStore(url);
      const schema = connection.collection<{ _id: string; version: number }>('telemetry_schema');
      await schema.updateOne({ _id: 'telemetry' }, { $set: { version: 999 } });
      await close();
      await expect(openStore(url)).rejects.toThrow('schema version 999');
      await dropMongoDatabase(url);
    });

    test('marks of processes that are gone for a day leave the documents of devices', async () => {
      const url = databaseIn(server.url);
      const first = await openStore(url, () => T0);
      await first.store.append({ samples: [sample(1, T0, { a: 1 })], counts: [] });
      await first.close();
      const second = await openStore(url, () => T0 + 25 * 3_600_000);
      const devices = second.connection.collection<{ _id: number; applied: object }>('telemetry_devices');
      await expect.poll(() => devices.findOne({ _id: 1 })).toMatchObject({ applied: {} });
      await expect.poll(() => second.connection.collection('telemetry_writers').countDocuments()).toBe(1);
      await second.store.append({ samples: [sample(1, T0, { b: 1 })], counts: [] });
      expect(await second.store.ledger(1)).toEqual({ stored: 1, merged: 1, rejected: {} });
      await second.close();
      await dropMongoDatabase(url);
    });
  });
});

await describeWithServer(
  'mongodb',
  (server) => {
    test(
      'killed and restarted under appends: every sample is stored once, in order, and counted once',
      TIMEOUT,
      async () => {
        const url = databaseIn(server.url);
        const { store, close } = await openStore(url);
        const total = 300;
        let next = 0;
        const append = async () => {
          while (next < total) {
            const n = next++;
            const samples = [sample(1, T0 + n, { n }), sample(2, T0, { n })];
            await insist(store, { samples, counts: [{ deviceId: 1, rejected: { x: 1 } }] });
            if (n === 100) await server.kill();
            if (n === 100) await server.restart();
            if (n === 200) await server.restart();
          }
        };
        await Promise.all([append(), append(), append(), append()]);
        expect(await historyOf(store, 1)).toHaveLength(total);
        expect(await store.ledger(1)).toEqual({ stored: total, merged: 0, rejected: { x: total } });
        expect(await store.ledger(2)).toEqual({ stored: 1, merged: total - 1, rejected: {} });
        await close();
      },
    );

    test('logs that were new stay new when what follows them is tried again', TIMEOUT, async () => {
      const url = databaseIn(server.url);
      const { store, logs, close } = await openStore(url);
      const documents = [1, 2].map((n) => ({ id: `log ${n}`, device_id: 1, text: '', timestamp: T0 + n }));
      const collection = {
        ...logs,
        async insertMany(some: typeof documents) {
          const added = await logs.insertMany(some);
          await server.kill();
          return added;
        },
      };
      const batch = () => ({
        id: 'retried',
        samples: [],
        counts: [{ deviceId: 1, rejected: { x: 1 } }],
        logs: { collection, documents: documents.map((each) => ({ ...each })) },
      });
      await expect(store.append(batch())).rejects.toMatchObject(unavailable);
      await server.restart();
      const result = await retried(() => store.append(batch()));
      expect(result.newLogs).toEqual([true, true]);
      expect(await store.ledger(1)).toEqual({ stored: 2, merged: 0, rejected: { x: 1 } });
      await close();
    });

    test('what was given up is finished by the next append of anybody', TIMEOUT, async () => {
      const url = databaseIn(server.url);
      const { store, close } = await openStore(url);
      const abandoned = { id: 'abandoned', samples: [sample(1, T0, { a: 1 })], counts: [] };
      await server.kill();
      await expect(store.append(abandoned)).rejects.toMatchObject(unavailable);
      await expect(store.ping()).rejects.toMatchObject(unavailable);
      await server.restart();
      expect(await insist(store, { samples: [sample(1, T0 + 1, { a: 2 })], counts: [] })).toEqual([]);
      expect(await store.ledger(1)).toEqual({ stored: 2, merged: 0, rejected: {} });
      // Its caller comes back and learns what became of it; under another id it is another append.
      expect(await insist(store, abandoned)).toEqual([]);
      expect(await insist(store, { ...abandoned, id: 'another' })).toEqual([0]);
      expect(await store.ledger(1)).toEqual({ stored: 2, merged: 1, rejected: {} });
      await close();
    });
  },
  { own: true },
);
