import { EventEmitter } from 'node:events';
import { createAdapter } from '@socket.io/redis-adapter';
import type { Logger } from '#kernel/logger.ts';
import type { RedisConnection } from '#platform/redis/redis-connection.ts';
import { createRedisSubscriber } from '#platform/redis/redis-subscriber.ts';
import type { EventRelay } from '#platform/relay/relay.port.ts';
import type { FanOut } from '../socketio/fan-out.ts';
import { createRoomDirectory } from '../socketio/room-directory.ts';

export interface RedisFanOutDeps {
  readonly connection: RedisConnection;
  /** To be started before. */
  readonly relay: EventRelay;
  readonly logger: Logger;
}

/** What is on its way to a server that answers slowly. The live view goes on with what comes next. */
const MAX_IN_FLIGHT = 10_000;

/**
 * Socket.IO's own Redis adapter (pub/sub), between this process's connections. What is emitted while Redis is
 * away reaches the connections of this process only, and is gone for others.
 */
export function createRedisFanOut({ connection, relay, logger }: RedisFanOutDeps): FanOut {
  const key = connection.key('socket.io');
  let inFlight = 0;

  // The library would subscribe by itself, once, and leave a failure to the process as an unhandled rejection.
  const incoming = Object.assign(new EventEmitter().setMaxListeners(0), {
    subscribe: async () => {},
    psubscribe: async () => {},
    unsubscribe: async () => {},
    punsubscribe: async () => {},
  });
  // Beside its own listener: it warns on the console when that is the only one.
  incoming.on('error', () => {});
  const outgoing = Object.assign(new EventEmitter().setMaxListeners(0), {
    publish(channel: string, message: Buffer): void {
      if (inFlight >= MAX_IN_FLIGHT || !connection.isReady()) return;
      inFlight += 1;
      connection
        .run((client) => client.publish(channel, message))
        .catch((error: unknown) => logger.debug({ err: error }, 'a live message did not reach other processes'))
        .finally(() => {
          inFlight -= 1;
        });
    },
  });
  outgoing.on('error', () => {});

  const pattern = `${escaped(key)}#*`;
  const subscriber = createRedisSubscriber({
    connection,
    logger,
    purpose: 'socket.io',
    patterns: [pattern],
    onMessage: (channel, message) => void incoming.emit('pmessageBuffer', pattern, channel, message),
    // What was missed is not shown; the next update of each value is.
    onResumed: () => {},
  });
  const rooms = createRoomDirectory(relay);

  return {
    createAdapter: createAdapter(outgoing, incoming, { key }),
    rooms,
    isReady: connection.isReady,
    async start(signal) {
      await subscriber.start(signal);
      rooms.start();
    },
    async stop() {
      await rooms.stop();
      await subscriber.stop();
    },
  };
}

/** For a glob pattern of Redis. */
function escaped(text: string): string {
  return text.replace(/[\\*?[\]^-]/g, '\\$&');
}
