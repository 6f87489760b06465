import { afterEach, beforeEach, expect, test } from 'vitest';
import { createId } from '#kernel/ids.ts';
import { silentLogger } from '#kernel/logger.ts';
import { createRedisConnection, type RedisConnection } from '#platform/redis/redis-connection.ts';
import { describeWithServer } from '#test/support/servers.ts';
import { relayContract } from '../relay.contract.ts';
import type { EventRelay } from '../relay.port.ts';
import { createRedisRelay } from './redis-relay.ts';

const soon = () => AbortSignal.timeout(10_000);

async function connect(url: string, prefix: string): Promise<RedisConnection> {
  const connection = createRedisConnection({ url, logger: silentLogger, prefix });
  await connection.start?.(soon());
  return connection;
}

await describeWithServer(
  'redis',
  (server) => {
    relayContract('Redis', async () => {
      const connection = await connect(server.url, `test:${createId()}:`);
      return {
        create: () => createRedisRelay({ connection, logger: silentLogger }),
        interrupt: async () => void (await connection.run((client) => client.call('CLIENT', 'KILL', 'TYPE', 'pubsub'))),
        close: async () => connection.stop?.(soon()),
      };
    });

    let connections: RedisConnection[];
    let relays: EventRelay[];
    beforeEach(() => {
      connections = [];
      relays = [];
    });
    afterEach(async () => {
      for (const component of [...relays, ...connections]) await component.stop?.(soon());
    });

    async function join(prefix: string) {
      const connection = await connect(server.url, prefix);
      const relay = createRedisRelay({ connection, logger: silentLogger });
      connections.push(connection);
      relays.push(relay);
      const state = { connection, relay, received: [] as unknown[], gaps: 0 };
      relay.onMessage(({ data }) => void state.received.push(data));
      relay.onGap(() => {
        state.gaps += 1;
      });
      await relay.start?.(soon());
      return state;
    }

    test('every process knows of a gap after the server was killed, and hears the next message', async () => {
      const prefix = `test:${createId()}:`;
      const [one, two] = [await join(prefix), await join(prefix)];
      await server.kill();
      await expect.poll(() => one.relay.isListening() || one.connection.isReady()).toBe(false);
      await one.relay.publish({ type: 'test', at: 0, data: 'lost' });
      await server.restart();
      await expect.poll(() => [one.gaps > 0, two.gaps > 0], { timeout: 10_000 }).toEqual([true, true]);
      await expect.poll(() => one.connection.isReady(), { timeout: 10_000 }).toBe(true);
      await one.relay.publish({ type: 'test', at: 0, data: 'next' });
      await expect.poll(() => two.received).toEqual(['next']);
    });

    test('whose listening was never broken is told that a message of another process was lost', async () => {
      const prefix = `test:${createId()}:`;
      const [one, two] = [await join(prefix), await join(prefix)];
      const id = await one.connection.run((client) => client.client('ID'));
      await two.connection.run((client) => client.call('CLIENT', 'KILL', 'ID', String(id)));
      await one.relay.publish({ type: 'test', at: 0, data: 'lost' });
      await expect.poll(() => two.gaps, { timeout: 10_000 }).toBe(1);
      expect(one.gaps).toBe(0);
      expect(two.received).toEqual([]);
    });

    test('installations with other prefixes do not hear each other, and nonsense is survived', async () => {
      const [one, two] = [await join(`test:${createId()}:`), await join(`test:${createId()}:`)];
      await two.connection.run((client) => client.publish(one.connection.key('relay'), '{nonsense'));
      await two.relay.publish({ type: 'test', at: 0, data: 'not for one' });
      expect(await one.relay.peers()).toBe(0);
      const three = await join(one.connection.key(''));
      await three.relay.publish({ type: 'test', at: 0, data: 'for one' });
      await expect.poll(() => one.received).toEqual(['for one']);
    });
  },
  { own: true },
);
