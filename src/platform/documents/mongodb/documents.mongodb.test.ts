import { expect, test } from 'vitest';
import { systemClock } from '#kernel/clock.ts';
import { createId } from '#kernel/ids.ts';
import { silentLogger } from '#kernel/logger.ts';
import { createMongodbConnection } from '#platform/mongodb/mongodb-connection.ts';
import { databaseIn, dropMongoDatabase } from '#test/support/servers/mongodb.ts';
import { describeWithServer } from '#test/support/servers.ts';
import { documentsContract } from '../documents.contract.ts';
import type { StoredDocument } from '../documents.port.ts';
import { createMongodbDocumentStore } from './documents.mongodb.ts';

const soon = () => AbortSignal.timeout(10_000);

await describeWithServer('mongodb', (server) => {
  documentsContract('mongodb', async () => {
    const url = databaseIn(server.url);
    const connection = createMongodbConnection({ url, logger: silentLogger });
    await connection.start?.(soon());
    return {
      create: async (now) => createMongodbDocumentStore({ connection, clock: { ...systemClock, now } }),
      async close() {
        await connection.stop?.(soon());
        await dropMongoDatabase(url);
      },
    };
  });

  test('what MongoDB gives a meaning to, or refuses, comes back as it was', async () => {
    const url = databaseIn(server.url);
    const connection = createMongodbConnection({ url, logger: silentLogger });
    await connection.start?.(soon());
    const store = createMongodbDocumentStore({ connection, clock: systemClock });
    const things = store.collection<StoredDocument & { readonly body: unknown }>({ name: 'things', indexes: [] });
    await store.start?.(soon());
    const deep = JSON.parse(`${'['.repeat(300)}${']'.repeat(300)}`);
    const bodies: unknown[] = [
      { 'a.b': 1, $set: 2, '': 3 },
      { list: [{ _bsontype: 'Long', low: 1, high: 2 }] },
      { $ref: 'users', $id: 1 },
      JSON.parse('{"__proto__": {"x": 1}}'),
      { 'nul\0byte': 'nul\0byte' },
      { _json: '"not ours"' },
      deep,
      2 ** 53,
      '$body',
    ];
    const written = bodies.map((body) => ({ id: createId(), body }));
    expect(await things.insertMany(written)).toEqual(bodies.map(() => true));
    for (const each of written) {
      const found = await things.findById(each.id);
      expect(JSON.stringify(found?.body)).toBe(JSON.stringify(each.body));
      await things.updateMany({ filter: { id: each.id } }, { body: [each.body] });
      expect(JSON.stringify((await things.findById(each.id))?.body)).toBe(JSON.stringify([each.body]));
    }
    await connection.stop?.(soon());
    await dropMongoDatabase(url);
  });

  test('the server removes documents by the time that is set now, whatever it was when they were written', async () => {
    const url = databaseIn(server.url);
    const connection = createMongodbConnection({ url, logger: silentLogger });
    await connection.start?.(soon());
    const open = async (afterMs: number) => {
      const store = createMongodbDocumentStore({ connection, clock: systemClock });
      const expiry = { field: 'at', afterMs };
      const logs = store.collection<StoredDocument & { readonly at: number }>({ name: 'logs', indexes: [], expiry });
      await store.start?.(soon());
      return logs;
    };
    const raw = connection.collection<{ _id: string; _kept_from: Date }>('logs');
    const expiries = async () => (await raw.indexes()).flatMap(({ expireAfterSeconds }) => expireAfterSeconds ?? []);
    const logs = await open(60_000);
    const at = Date.now();
    await logs.insertMany([{ id: 'a', at }]);
    expect(await raw.findOne({ _id: 'a' })).toMatchObject({ at, _kept_from: new Date(at) });
    await logs.updateMany({ filter: { id: 'a' } }, { at: at + 5 });
    expect(await raw.findOne({ _id: 'a' })).toMatchObject({ _kept_from: new Date(at + 5) });
    expect(await logs.findById('a')).toEqual({ id: 'a', at: at + 5 });
    expect(await expiries()).toEqual([60]);
    // Two processes of an installation begin with the new time.
    await Promise.all([open(120_000), open(120_000)]);
    expect(await expiries()).toEqual([120]);
    await open(90_000);
    expect(await expiries()).toEqual([90]);
    // As long as can be set.
    await open(36_500 * 86_400_000);
    expect(await expiries()).toEqual([2_147_483_647]);
    await connection.stop?.(soon());
    await dropMongoDatabase(url);
  });
});
