import { commonErrors } from '#kernel/errors.ts';
import type { Logger } from '#kernel/logger.ts';
import type { RedisConnection } from './redis-connection.ts';

export interface RedisSubscriberOptions {
  readonly connection: RedisConnection;
  readonly logger: Logger;
  /** Names the connection in the log and in `CLIENT LIST`. */
  readonly purpose: string;
  /** Full names. */
  readonly channels?: readonly string[];
  /** Glob patterns of full names. */
  readonly patterns?: readonly string[];
  /** One that throws is logged. */
  onMessage(channel: Buffer, message: Buffer): void;
  /** Subscribed again after the connection was lost: messages were missed. */
  onResumed(): void;
}

/** Subscriptions on a connection of their own, renewed whenever it comes back. */
export interface RedisSubscriber {
  /** Resolves when the server has confirmed the subscriptions. @throws AppError `unavailable` */
  start(signal: AbortSignal): Promise<void>;
  stop(): Promise<void>;
  isListening(): boolean;
}

export function createRedisSubscriber(options: RedisSubscriberOptions): RedisSubscriber {
  const { connection, logger, purpose, channels = [], patterns = [] } = options;
  const link = connection.link(purpose);
  const { client } = link;
  let subscribed = false;
  let started = false;

  function deliver(channel: Buffer, message: Buffer): void {
    try {
      options.onMessage(channel, message);
    } catch (error) {
      logger.error({ err: error, connection: purpose }, 'a message from Redis could not be handled');
    }
  }
  client.on('messageBuffer', deliver);
  client.on('pmessageBuffer', (_pattern: string, channel: Buffer, message: Buffer) => deliver(channel, message));
  client.on('close', () => {
    subscribed = false;
  });
  client.on('ready', () => {
    if (!started) return;
    subscribe().then(options.onResumed, () => {
      // Another attempt, over another connection; after a stop, none.
      if (started && link.isReady()) client.disconnect(true);
    });
  });

  async function subscribe(): Promise<void> {
    if (channels.length > 0) await client.subscribe(...channels);
    if (patterns.length > 0) await client.psubscribe(...patterns);
    subscribed = true;
  }

  return {
    async start(signal) {
      await link.start(signal);
      try {
        await subscribe();
        started = true;
      } catch (cause) {
        throw commonErrors.unavailable({ detail: `Redis does not let this process subscribe (${purpose}).`, cause });
      }
    },
    async stop() {
      started = false;
      subscribed = false;
      await link.stop();
    },
    isListening: () => subscribed && link.isReady(),
  };
}
