import { createId } from '#kernel/ids.ts';
import { silentLogger } from '#kernel/logger.ts';
import { createRedisConnection } from '#platform/redis/redis-connection.ts';
import { describeWithServer } from '#test/support/servers.ts';
import { streamsContract } from '../streams.contract.ts';
import { createRedisStreams } from './redis-streams.ts';

const soon = () => AbortSignal.timeout(10_000);

await describeWithServer(
  'redis',
  (server) => {
    streamsContract('Redis', async () => {
      const prefix = `test:${createId()}:`;
      const connection = createRedisConnection({ url: server.url, logger: silentLogger, prefix });
      await connection.start?.(soon());
      return {
        create: (consumer) => createRedisStreams({ connection, logger: silentLogger, consumer, redeliverAfterMs: 50 }),
        serverLeaves: server.kill,
        serverReturns: server.restart,
        close: async () => connection.stop?.(soon()),
      };
    });
  },
  { own: true },
);
