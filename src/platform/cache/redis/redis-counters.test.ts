import { expect, test } from 'vitest';
import { createId } from '#kernel/ids.ts';
import { silentLogger } from '#kernel/logger.ts';
import { createRedisConnection, type RedisConnection } from '#platform/redis/redis-connection.ts';
import { describeWithServer } from '#test/support/servers.ts';
import { counterStoreContract } from '../cache.contract.ts';
import { createRedisCounters } from './redis-counters.ts';

async function connect(url: string): Promise<RedisConnection> {
  const connection = createRedisConnection({ url, logger: silentLogger, prefix: `test:${createId()}:` });
  await connection.start?.(AbortSignal.timeout(5_000));
  return connection;
}
const disconnect = (connection: RedisConnection) => connection.stop?.(AbortSignal.timeout(5_000));

/** Time passes by taking it from what every key has left. */
const PASS = `
for _, key in ipairs(redis.call('KEYS', ARGV[1] .. '*')) do
  redis.call('PEXPIRE', key, redis.call('PTTL', key) - ARGV[2])
end`;

await describeWithServer('redis', (server) => {
  counterStoreContract('Redis', async () => {
    const connection = await connect(server.url);
    return {
      counters: createRedisCounters({ connection }),
      advance: async (ms) => void (await connection.run((client) => client.eval(PASS, 0, connection.key(''), ms))),
      close: async () => disconnect(connection),
    };
  });

  test('processes share their counts', async () => {
    const one = await connect(server.url);
    const two = createRedisConnection({ url: server.url, logger: silentLogger, prefix: one.key('') });
    await two.start?.(AbortSignal.timeout(5_000));
    await createRedisCounters({ connection: one }).increment('a', 60_000);
    expect((await createRedisCounters({ connection: two }).increment('a', 60_000)).count).toBe(2);
    await Promise.all([disconnect(one), disconnect(two)]);
  });

  test('a window really ends', async () => {
    const connection = await connect(server.url);
    const counters = createRedisCounters({ connection });
    const { resetInMs } = await counters.increment('a', 40);
    expect(resetInMs).toBeLessThanOrEqual(40);
    while ((await counters.peek('a')).count > 0);
    expect((await counters.increment('a', 60_000)).count).toBe(1);
    await disconnect(connection);
  });

  test('a key that has longer to live than its window, after a wrong clock of its server, gets the window', async () => {
    const connection = await connect(server.url);
    const counters = createRedisCounters({ connection });
    await counters.increment('a', 60_000);
    await connection.run((client) => client.pexpire(connection.key('counter:a'), 86_400_000));
    expect(await counters.increment('a', 60_000)).toEqual({ count: 2, resetInMs: 60_000 });
    await disconnect(connection);
  });

  test('a key that lost its expiry gets one again', async () => {
    const connection = await connect(server.url);
    const counters = createRedisCounters({ connection });
    await counters.increment('a', 60_000);
    await connection.run((client) => client.persist(connection.key('counter:a')));
    expect(await counters.peek('a')).toEqual({ count: 1, resetInMs: 0 });
    const { count, resetInMs } = await counters.increment('a', 60_000);
    expect(count).toBe(2);
    expect(resetInMs).toBe(60_000);
    await disconnect(connection);
  });
});

await describeWithServer(
  'redis',
  (server) => {
    test('while the server is away every call fails at once, and works again afterwards', async () => {
      const connection = await connect(server.url);
      const counters = createRedisCounters({ connection });
      await counters.increment('a', 60_000);
      await server.kill();
      await expect.poll(() => connection.isReady()).toBe(false);
      const unavailable = { kind: 'unavailable', code: 'unavailable' };
      await expect(counters.increment('a', 60_000)).rejects.toMatchObject(unavailable);
      await expect(counters.peek('a')).rejects.toMatchObject(unavailable);
      await expect(counters.reset('a')).rejects.toMatchObject(unavailable);
      await server.restart();
      await expect.poll(() => connection.isReady(), { timeout: 10_000 }).toBe(true);
      // Nothing was kept for later: an attempt that was told to have failed is not counted.
      expect((await counters.increment('a', 60_000)).count).toBe(1);
      await disconnect(connection);
    });
  },
  { own: true },
);
