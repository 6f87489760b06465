import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { io, type Socket } from 'socket.io-client';
import { expect, test } from 'vitest';
import { createId } from '#kernel/ids.ts';
import type { Component } from '#kernel/lifecycle.ts';
import { silentLogger } from '#kernel/logger.ts';
import { createRedisConnection } from '#platform/redis/redis-connection.ts';
import { createRedisRelay } from '#platform/relay/redis/redis-relay.ts';
import { describeWithServer } from '#test/support/servers.ts';
import { realtimeContract } from '../realtime.contract.ts';
import type { Realtime, RealtimeAuthenticator } from '../realtime.port.ts';
import { createSocketIoRealtime } from '../socketio/socketio.ts';
import { createRedisFanOut } from './redis-fan-out.ts';

const soon = () => AbortSignal.timeout(10_000);

/** All that one process has. `start` and `stop` are those of the realtime adapter. */
async function createProcess(url: string, prefix: string, authenticator: RealtimeAuthenticator) {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const connection = createRedisConnection({ url, prefix, logger: silentLogger });
  const relay = createRedisRelay({ connection, logger: silentLogger });
  const below: readonly Component[] = [connection, relay];
  for (const component of below) await component.start?.(soon());
  const realtime = createSocketIoRealtime({
    authenticator,
    logger: silentLogger,
    corsOrigins: [],
    fanOut: createRedisFanOut({ connection, relay, logger: silentLogger }),
  });
  realtime.attachTo(server);
  return {
    connection,
    relay,
    realtime,
    url: () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async cleanUp() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      for (const component of below.toReversed()) await component.stop?.(soon());
    },
  };
}

/** Two processes seen as one: emits are made at the first, connections are at the second. */
function asOne(first: Realtime, second: Realtime): Realtime {
  const both = [first, second];
  return {
    name: 'both',
    start: async (signal) => void (await Promise.all(both.map((each) => each.start?.(signal)))),
    stop: async (signal) => void (await Promise.all(both.map((each) => each.stop?.(signal)))),
    namespace(name, commands, mayStay) {
      const [here, there] = [first.namespace(name, {}), second.namespace(name, commands, mayStay)];
      return {
        emit: here.emit,
        hasListeners: here.hasListeners,
        evict: async (...args) => void (await Promise.all([here.evict(...args), there.evict(...args)])),
      };
    },
    recheckUser: async (userId) => void (await Promise.all(both.map((each) => each.recheckUser(userId)))),
    disconnectUser: (userId) =>
      both.forEach((each) => {
        each.disconnectUser(userId);
      }),
    recheck: async () => void (await Promise.all(both.map((each) => each.recheck()))),
    connectionCount: () => first.connectionCount() + second.connectionCount(),
  };
}

const ANYBODY: RealtimeAuthenticator = {
  authenticate: async () => ({ principal: { userId: 1, role: 'USER' }, expiresAt: Number.MAX_SAFE_INTEGER }),
  refresh: async () => ({ userId: 1, role: 'USER' }),
};

await describeWithServer(
  'redis',
  (server) => {
    realtimeContract({
      name: 'Socket.IO on Redis, one process',
      create: (authenticator) => createProcess(server.url, `test:${createId()}:`, authenticator),
    });

    realtimeContract({
      name: 'Socket.IO on Redis, two processes',
      async create(authenticator) {
        const prefix = `test:[${createId()}]*:`;
        const first = await createProcess(server.url, prefix, authenticator);
        const second = await createProcess(server.url, prefix, authenticator);
        return {
          realtime: asOne(first.realtime, second.realtime),
          url: second.url,
          cleanUp: async () => void (await Promise.all([first.cleanUp(), second.cleanUp()])),
        };
      },
    });

    async function twoProcesses() {
      const prefix = `test:${createId()}:`;
      const processes = await Promise.all([1, 2].map(() => createProcess(server.url, prefix, ANYBODY)));
      const sockets: Socket[] = [];
      const sides = processes.map(({ realtime, ...process }) => ({
        ...process,
        realtime,
        monitoring: realtime.namespace('/monitoring', {
          async join({ join }, data) {
            await join(String(data));
            return undefined;
          },
        }),
        async watch(room: string) {
          const socket = io(`${process.url()}/monitoring`, { auth: { token: 'x' }, reconnection: false });
          sockets.push(socket);
          await new Promise<void>((resolve) => socket.once('connect', resolve));
          expect(await socket.emitWithAck('join', room)).toEqual({ ok: true });
          await expect.poll(() => sides.every(({ monitoring }) => monitoring.hasListeners(room))).toBe(true);
          const received: unknown[] = [];
          socket.on('news', ({ n }) => void received.push(n));
          return received;
        },
      }));
      for (const { realtime } of sides) await realtime.start?.(soon());
      const [one, two] = sides;
      if (one === undefined || two === undefined) throw new Error('two were made');
      return {
        one,
        two,
        async end() {
          for (const socket of sockets) socket.disconnect();
          for (const { realtime, cleanUp } of sides) {
            await realtime.stop?.(soon());
            await cleanUp();
          }
        },
      };
    }

    test('an emit reaches watchers in both processes exactly once, and disconnecting stays where it is', async () => {
      const { one, two, end } = await twoProcesses();
      const [here, there] = [await one.watch('a'), await two.watch('a')];
      await expect.poll(() => [one, two].map(({ monitoring }) => monitoring.hasListeners('b'))).toEqual([false, false]);
      for (let n = 0; n < 100; n++) one.monitoring.emit(['a', 'user:1', 'b'], 'news', { n });
      const all = Array.from({ length: 100 }, (_, n) => n);
      await expect.poll(() => there.length).toBe(100);
      await expect.poll(() => here.length).toBe(100);
      two.monitoring.emit('a', 'news', { n: 'end' });
      await expect.poll(() => here).toEqual([...all, 'end']);
      await expect.poll(() => there).toEqual([...all, 'end']);
      one.realtime.disconnectUser(1);
      await expect.poll(() => one.realtime.connectionCount()).toBe(0);
      expect(two.realtime.connectionCount()).toBe(1);
      await end();
    });

    test('a process that takes no connections reaches those of the others', async () => {
      const { one, two, end } = await twoProcesses();
      const received = await two.watch('a');
      const relay = createRedisRelay({ connection: one.connection, logger: silentLogger });
      await relay.start?.(soon());
      const emitter = createSocketIoRealtime({
        authenticator: ANYBODY,
        logger: silentLogger,
        corsOrigins: [],
        fanOut: createRedisFanOut({ connection: one.connection, relay, logger: silentLogger }),
      });
      const monitoring = emitter.namespace('/monitoring', {});
      await emitter.start?.(soon());
      await expect.poll(() => monitoring.hasListeners('b')).toBe(false);
      expect(monitoring.hasListeners('a')).toBe(true);
      monitoring.emit('a', 'news', { n: 1 });
      await expect.poll(() => received).toEqual([1]);
      expect(emitter.connectionCount()).toBe(0);
      await emitter.stop?.(soon());
      await relay.stop?.(soon());
      await end();
    });

    test('while Redis is away watchers of the same process see what is emitted there; afterwards all do', async () => {
      const { one, two, end } = await twoProcesses();
      const [here, there] = [await one.watch('a'), await two.watch('a')];
      await server.kill();
      await expect.poll(() => one.connection.isReady() || one.relay.isListening()).toBe(false);
      expect(one.monitoring.hasListeners('never')).toBe(true);
      one.monitoring.emit('a', 'news', { n: 'away' });
      await expect.poll(() => here).toEqual(['away']);
      const late = await two.watch('late');
      expect(there).toEqual([]);

      await server.restart();
      await expect
        .poll(
          () => {
            one.monitoring.emit(['a', 'late'], 'news', { n: 'back' });
            return [there.includes('back'), late.includes('back')];
          },
          { timeout: 15_000 },
        )
        .toEqual([true, true]);
      await expect.poll(() => one.monitoring.hasListeners('never'), { timeout: 10_000 }).toBe(false);
      await end();
    });
  },
  { own: true },
);
