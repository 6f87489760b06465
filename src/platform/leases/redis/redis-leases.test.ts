import { createId } from '#kernel/ids.ts';
import { silentLogger } from '#kernel/logger.ts';
import { createRedisConnection } from '#platform/redis/redis-connection.ts';
import { describeWithServer } from '#test/support/servers.ts';
import { leasesContract } from '../leases.contract.ts';
import { createRedisLeases } from './redis-leases.ts';

/** Time passes by taking it from every lease. */
const PASS = `
for _, member in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  redis.call('ZINCRBY', KEYS[1], -ARGV[1], member)
end`;

await describeWithServer('redis', (server) => {
  leasesContract('Redis', async () => {
    const connection = createRedisConnection({ url: server.url, logger: silentLogger, prefix: `test:${createId()}:` });
    await connection.start?.(AbortSignal.timeout(5_000));
    const keys = ['members', 'holders'].map((key) => connection.key(`leases:{g}:${key}`)) as [string, string];
    return {
      leases: createRedisLeases({ connection }),
      advance: async (ms) => void (await connection.run((client) => client.eval(PASS, 1, keys[0], ms))),
      forget: async () => void (await connection.run((client) => client.del(...keys))),
      close: async () => connection.stop?.(AbortSignal.timeout(5_000)),
    };
  });
});
