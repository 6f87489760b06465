import type { Redis } from 'ioredis';
import { pause } from '#kernel/concurrency.ts';
import { isAppError } from '#kernel/errors.ts';
import type { Logger } from '#kernel/logger.ts';
import type { RedisConnection } from '#platform/redis/redis-connection.ts';
import type { StreamMessage } from '../streams.port.ts';

export interface ConsumerOptions {
  readonly connection: RedisConnection;
  readonly logger: Logger;
  /** Full name of the stream's key. */
  readonly key: string;
  readonly group: string;
  /** Names this process in the group. */
  readonly consumer: string;
  readonly handler: (message: StreamMessage) => Promise<void>;
  /** How long a message may be in the hands of a process before it comes again. */
  readonly redeliverAfterMs: number;
}

export interface StreamConsumer {
  /** @throws AppError `unavailable` */
  start(signal: AbortSignal): Promise<void>;
  stop(): Promise<void>;
}

/** At most: shorter than the time that a command may take on a connection. */
const BLOCK_MS = 500;
const BATCH = 100;
const PAUSE_MS = 500;
/** Of a message whose handler fails by a bug. */
const MAX_DELIVERIES = 20;

type Entry = readonly [id: string, fields: readonly string[]];

/** Field of an entry that holds the message. */
export const MESSAGE_FIELD = 'message';

/**
 * One process of a consumer group (Redis `XREADGROUP`, `XPENDING`, `XCLAIM`). New messages come one after the other;
 * every `redeliverAfterMs` those that were not acknowledged are looked for, of any process.
 */
export function createConsumer(options: ConsumerOptions): StreamConsumer {
  const { connection, logger, key, group, consumer, handler, redeliverAfterMs } = options;
  // Reading waits: on a connection of its own, beside which commands go their way.
  const link = connection.link(`stream ${group}`);
  const blockMs = Math.min(BLOCK_MS, redeliverAfterMs);
  let running: Promise<void> | undefined;
  let stopped = new AbortController();
  let lookedForAt = 0;

  async function handle([id, fields]: Entry, deliveries: number): Promise<void> {
    try {
      await handler(JSON.parse(fields[fields.indexOf(MESSAGE_FIELD) + 1] ?? '') as StreamMessage);
    } catch (error) {
      const passing = isAppError(error) && error.kind === 'unavailable';
      logger.warn({ err: error, stream: key, id, deliveries }, 'an event of the stream was not taken');
      if (passing || deliveries < MAX_DELIVERIES) return;
      logger.error({ stream: key, id, deliveries }, 'an event of the stream is given up');
    }
    await connection.run((client) => client.xack(key, group, id));
  }

  async function takeNew(client: Redis): Promise<void> {
    const found = (await client.xreadgroup(
      'GROUP',
      group,
      consumer,
      'COUNT',
      BATCH,
      'BLOCK',
      blockMs,
      'STREAMS',
      key,
      '>',
    )) as readonly (readonly [string, readonly Entry[]])[] | null;
    for (const [, entries] of found ?? []) for (const entry of entries) await handle(entry, 1);
  }

  /** What a process has had for too long: it died, or its handler failed. */
  async function takeAgain(client: Redis): Promise<void> {
    const pending = (await client.xpending(
      key,
      group,
      'IDLE',
      redeliverAfterMs,
      '-',
      '+',
      BATCH,
    )) as readonly (readonly [id: string, consumer: string, idleMs: number, deliveries: number])[];
    for (const [id, , , deliveries] of pending) {
      // Nothing when another process was faster, or the stream has been cut behind it.
      const claimed = (await client.xclaim(key, group, consumer, redeliverAfterMs, id)) as readonly (Entry | null)[];
      for (const entry of claimed) if (entry !== null) await handle(entry, Number(deliveries) + 1);
    }
  }

  async function prepare(): Promise<void> {
    try {
      await connection.run((client) => client.xgroup('CREATE', key, group, '0', 'MKSTREAM'));
    } catch (error) {
      if (!(error as Error).message.startsWith('BUSYGROUP')) throw error;
    }
  }

  async function run({ signal }: AbortController): Promise<void> {
    while (!signal.aborted) {
      try {
        if (performance.now() - lookedForAt >= redeliverAfterMs) {
          await takeAgain(link.client);
          lookedForAt = performance.now();
        }
        await takeNew(link.client);
      } catch (error) {
        if (signal.aborted) return;
        logger.debug({ err: error, stream: key }, 'the stream cannot be read');
        await pause(PAUSE_MS, signal);
        // A server that has lost everything does not know the group any more.
        if (!signal.aborted && /^NOGROUP/.test((error as Error).message)) await prepare().catch(() => {});
      }
    }
  }

  return {
    async start(signal) {
      await link.start(signal);
      await prepare();
      stopped = new AbortController();
      lookedForAt = Number.NEGATIVE_INFINITY;
      running = run(stopped);
    },
    async stop() {
      stopped.abort();
      await running;
      await link.stop();
    },
  };
}
