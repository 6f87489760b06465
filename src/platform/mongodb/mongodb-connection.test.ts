import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { type Logger, silentLogger } from '#kernel/logger.ts';
import { createFreezer } from '#test/support/freezer.ts';
import { freePort } from '#test/support/server-process.ts';
import { databaseIn, dropMongoDatabase } from '#test/support/servers/mongodb.ts';
import { describeWithServer } from '#test/support/servers.ts';
import { createMongodbConnection } from './mongodb-connection.ts';

const soon = () => AbortSignal.timeout(20_000);
const unavailable = { kind: 'unavailable', code: 'unavailable' };
/** The driver looks for a server for five seconds before it gives up. */
const TIMEOUT = { timeout: 60_000 };

const connectionTo = (url: string, logger: Logger = silentLogger) => createMongodbConnection({ url, logger });

/** What a start that fails says. */
async function refusalOf(url: string, signal: AbortSignal = soon()): Promise<string> {
  try {
    await connectionTo(url).start?.(signal);
  } catch (error) {
    expect(error).toMatchObject(unavailable);
    return (error as Error).message;
  }
  throw new Error('it started');
}

test('does nothing before it is started', async () => {
  const connection = connectionTo('mongodb://127.0.0.1:1');
  await expect(connection.ping()).rejects.toMatchObject(unavailable);
  await connection.stop?.(soon());
});

test('an address that is none is refused without showing what is in it', () => {
  expect(() => connectionTo('mongodb://user:hush@host:notaport/x')).toThrow(/^The address of MongoDB is not one/);
  expect(() => connectionTo('mongodb://user:hu@sh@host/x')).toThrow(/^[^@]*mongodb:\/\/user:password@host[^@]*$/);
});

test('a start without a server fails with one line that shows no password', TIMEOUT, async () => {
  const port = await freePort();
  const line = await refusalOf(`mongodb://someone:hush@127.0.0.1:${port}/core`);
  expect(line).toBe(`MongoDB at 127.0.0.1:${port} cannot be reached (ECONNREFUSED).`);
});

test('a start against a server that never answers fails, and ends when it is given up', TIMEOUT, async () => {
  const sockets = new Set<Socket>();
  const silent = createServer((socket) => sockets.add(socket.on('error', () => {}))).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const { port } = silent.address() as AddressInfo;
  const line = `MongoDB at 127.0.0.1:${port} cannot be reached.`;
  expect(await refusalOf(`mongodb://127.0.0.1:${port}`)).toBe(line);
  const giveUp = new AbortController();
  silent.once('connection', () => giveUp.abort());
  expect(await refusalOf(`mongodb://127.0.0.1:${port}`, giveUp.signal)).toBe(line);
  for (const socket of sockets) socket.destroy();
  silent.close();
});

await describeWithServer(
  'mongodb',
  (server) => {
    test('comes back by itself after a kill, and says so once each', TIMEOUT, async () => {
      const lines: string[] = [];
      const note = (_fields: object, message: string) => void lines.push(message);
      const connection = connectionTo(server.url, { ...silentLogger, info: note, warn: note });
      await connection.start?.(soon());
      await connection.ping();
      await server.kill();
      await expect(connection.ping()).rejects.toMatchObject(unavailable);
      await expect(connection.ping()).rejects.toMatchObject(unavailable);
      await server.restart();
      await expect.poll(() => connection.ping().then(() => 'there'), { timeout: 20_000 }).toBe('there');
      expect(lines).toEqual(['MongoDB is away', 'MongoDB is back']);
      await connection.stop?.(soon());
      await expect(connection.ping()).rejects.toMatchObject(unavailable);
    });

    test('a driver that waits for ever is started again', TIMEOUT, async () => {
      const lines: string[] = [];
      const note = (_fields: object, message: string) => void lines.push(message);
      const connection = connectionTo(databaseIn(server.url), { ...silentLogger, error: note });
      await connection.start?.(soon());
      const things = connection.collection<{ _id: string }>('things');
      const other = connection.run(() => things.insertOne({ _id: 'other' })).catch((error: unknown) => error);
      const hung = connection.run(() => new Promise<void>(() => {}), { hungAfterMs: 100 });
      await expect(hung).rejects.toMatchObject(unavailable);
      await other;
      await connection.run(() => things.insertOne({ _id: 'a' }), { hungAfterMs: 10_000 });
      expect(await connection.run(() => things.countDocuments({ _id: 'a' }))).toBe(1);
      expect(lines).toEqual(['MongoDB has not answered, and the driver goes on waiting; it is started again']);
      await connection.stop?.(soon());
    });

    test('a server that is there and says nothing is away after five seconds', TIMEOUT, async () => {
      const freezer = await createFreezer(`${databaseIn(server.url)}?directConnection=true`);
      const connection = connectionTo(freezer.url);
      await connection.start?.(soon());
      const things = connection.collection<{ _id: string }>('things');
      const read = () => connection.run(() => things.findOne({ _id: 'a' }));
      await read();
      freezer.freeze();
      const startedAt = performance.now();
      for (const failure of await Promise.allSettled(Array.from({ length: 8 }, read))) {
        expect(failure).toMatchObject({ status: 'rejected', reason: unavailable });
      }
      expect(performance.now() - startedAt).toBeLessThan(10_000);
      freezer.thaw();
      await expect.poll(read, { timeout: 20_000 }).toBeNull();
      await connection.stop?.(soon());
      freezer.close();
    });

    test('writes are acknowledged by a majority and journaled, whatever the address says', async () => {
      const url = `${databaseIn(server.url)}?w=1&journal=false`;
      const connection = connectionTo(url);
      await connection.start?.(soon());
      const things = connection.collection<{ _id: string }>('things');
      expect(things.writeConcern).toMatchObject({ w: 'majority', journal: true });
      expect(things.dbName).toBe(new URL(url).pathname.slice(1));
      expect(connectionTo(server.url).collection('x').dbName).toBe('core_api');
      await connection.stop?.(soon());
      await dropMongoDatabase(url);
    });

    test('what the server cannot do is a bug of ours', async () => {
      const connection = connectionTo(databaseIn(server.url));
      await connection.start?.(soon());
      const things = connection.collection<{ _id: string; text: string }>('things');
      await connection.run(() => things.insertOne({ _id: 'a', text: 'a' }));
      const change = { $inc: { text: 1 } } as object;
      await expect(connection.run(() => things.updateOne({ _id: 'a' }, change))).rejects.toThrow(/\$inc/);
      await expect(connection.run(() => things.insertOne({ _id: 'a', text: 'b' }))).rejects.toThrow(/duplicate key/i);
      await connection.stop?.(soon());
    });
  },
  { own: true },
);
