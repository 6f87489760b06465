import { createId } from '#kernel/ids.ts';
import type { Logger } from '#kernel/logger.ts';
import type { RedisConnection } from '#platform/redis/redis-connection.ts';
import { createRedisSubscriber } from '#platform/redis/redis-subscriber.ts';
import { createListeners } from '../listeners.ts';
import type { EventRelay, RelayMessage } from '../relay.port.ts';

/** How long after a message of ours was lost the others are told, again and again until it works. */
const CONFESS_EVERY_MS = 500;

/** On the wire: a message, or the word that messages of this process were lost. */
type Envelope = { readonly from: string } & ({ readonly message: RelayMessage } | { readonly lost: true });

/**
 * `EventRelay` over Redis pub/sub. A loss is noticed at either end: a process that was not listening knows it
 * when it is subscribed again, and one whose message did not get through tells the others as soon as it can.
 */
export function createRedisRelay({
  connection,
  logger,
}: {
  readonly connection: RedisConnection;
  readonly logger: Logger;
}): EventRelay {
  const id = createId();
  const channel = connection.key('relay');
  const messages = createListeners<RelayMessage>(logger);
  const gaps = createListeners<void>(logger);
  let confession: NodeJS.Timeout | undefined;

  const subscriber = createRedisSubscriber({
    connection,
    logger,
    purpose: 'relay',
    channels: [channel],
    onMessage(_channel, payload) {
      const envelope = JSON.parse(payload.toString()) as Envelope;
      if (envelope.from === id) return;
      if ('lost' in envelope) gaps.tell();
      else messages.tell(envelope.message);
    },
    onResumed: () => gaps.tell(),
  });

  async function send(envelope: Envelope): Promise<void> {
    await connection.run((client) => client.publish(channel, JSON.stringify(envelope)));
  }

  function confessLater(): void {
    confession ??= setTimeout(() => {
      confession = undefined;
      send({ from: id, lost: true }).catch(confessLater);
    }, CONFESS_EVERY_MS).unref();
  }

  return {
    name: 'relay',
    start: subscriber.start,
    async stop() {
      clearTimeout(confession);
      await subscriber.stop();
    },
    async publish(message) {
      try {
        await send({ from: id, message });
      } catch (error) {
        if (confession === undefined) logger.warn({ err: error }, 'what happens here does not reach other processes');
        confessLater();
      }
    },
    onMessage: messages.add,
    onGap: gaps.add,
    isListening: subscriber.isListening,
    async peers() {
      const [, listening] = await connection.run((client) => client.pubsub('NUMSUB', channel));
      return Math.max(0, Number(listening) - (subscriber.isListening() ? 1 : 0));
    },
  };
}
