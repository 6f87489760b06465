import type { Logger } from '#kernel/logger.ts';
import type { RedisConnection } from '#platform/redis/redis-connection.ts';
import type { EventStreams, StreamMessage } from '../streams.port.ts';
import { createConsumer, MESSAGE_FIELD, type StreamConsumer } from './consumer.ts';
import { createOutbox } from './outbox.ts';

export interface RedisStreamsOptions {
  readonly connection: RedisConnection;
  readonly logger: Logger;
  /** Names this process among the consumers of a group. */
  readonly consumer: string;
  readonly redeliverAfterMs?: number;
}

const REDELIVER_AFTER_MS = 5_000;
/** Of a stream, roughly: what is older is cut off, whether or not somebody has taken it. */
const MAX_LENGTH = 100_000;

/** `EventStreams` on Redis streams. Starts after its connection. */
export function createRedisStreams(options: RedisStreamsOptions): EventStreams {
  const { connection, logger, consumer, redeliverAfterMs = REDELIVER_AFTER_MS } = options;
  const keyOf = (stream: string) => connection.key(`stream:${stream}`);
  const consumers: StreamConsumer[] = [];
  const outbox = createOutbox<{ readonly stream: string; readonly message: StreamMessage }>(async (items) => {
    await connection.run(async (client) => {
      const pipeline = client.pipeline();
      for (const { stream, message } of items) {
        pipeline.xadd(keyOf(stream), 'MAXLEN', '~', MAX_LENGTH, '*', MESSAGE_FIELD, JSON.stringify(message));
      }
      const [failed] = ((await pipeline.exec()) ?? []).filter(([error]) => error !== null);
      if (failed !== undefined) throw failed[0];
    });
  }, logger);

  return {
    name: 'streams',
    stop: outbox.close,
    consumers: {
      name: 'stream consumers',
      async start(signal) {
        for (const each of consumers) await each.start(signal);
      },
      async stop() {
        await Promise.all(consumers.map((each) => each.stop()));
      },
    },
    publish: (stream, message) => outbox.put({ stream, message }),
    consume(stream, group, handler) {
      const key = keyOf(stream);
      consumers.push(createConsumer({ connection, logger, key, group, consumer, handler, redeliverAfterMs }));
    },
  };
}
