import { type Redis, ReplyError } from 'ioredis';
import { defined } from '#kernel/defined.ts';
import { commonErrors } from '#kernel/errors.ts';
import type { Component } from '#kernel/lifecycle.ts';
import type { Logger } from '#kernel/logger.ts';
import { createPatientClient, createRedisLink, type RedisAddress, type RedisLink } from './redis-link.ts';

export interface RedisConnectionOptions extends RedisAddress {
  readonly logger: Logger;
  /** Before every key and channel, so that several installations can share a server. */
  readonly prefix?: string;
}

/**
 * The process's connection for commands, shared by every adapter, and the maker of further ones. `start` fails
 * when the server is away or refuses the password; afterwards it returns by itself, with back-off, whenever the
 * connection is lost.
 */
export interface RedisConnection extends Component {
  /** The full name of a key or channel. */
  key(name: string): string;
  /** False: a command would fail at once. */
  isReady(): boolean;
  /**
   * Runs commands, and nothing else. They may have taken effect although this rejects.
   * @throws AppError `unavailable` at once while the server is away, after a second when it hangs
   */
  run<T>(commands: (client: Redis) => Promise<T>): Promise<T>;
  /** @throws AppError `unavailable` */
  ping(): Promise<void>;
  /** What runs there. @throws AppError `unavailable` */
  server(): Promise<RedisServer>;
  /** A connection of its own, for subscriptions; started and stopped by who asks for it. */
  link(purpose: string): RedisLink;
  /**
   * Runs commands on a link as `run` does on this connection.
   * @throws AppError `unavailable`
   */
  runOn<T>(link: RedisLink, commands: () => Promise<T>): Promise<T>;
  /** A client of its own, for a library that brings its own handling of a server that is away; see `createPatientClient`. */
  patientClient(purpose: string): Redis;
}

export interface RedisServer {
  readonly version: string;
  /** What it does with keys when its memory is full: `noeviction` refuses writes. Null: its memory has no limit. */
  readonly evicts: string | null;
}

export function createRedisConnection(options: RedisConnectionOptions): RedisConnection {
  const { logger, prefix = 'core-api:' } = options;
  const link = createRedisLink(options, 'commands', logger);

  const run = <T>(commands: (client: Redis) => Promise<T>) => runOn(link, () => commands(link.client));

  return {
    name: 'redis',
    start: link.start,
    stop: link.stop,
    key: (name) => `${prefix}${name}`,
    isReady: link.isReady,
    run,
    ping: async () => void (await run((client) => client.ping())),
    async server() {
      const info = await run(async (client) => (await client.info('server')) + (await client.info('memory')));
      const read = (name: string) => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1] ?? '';
      return {
        version: read('redis_version'),
        evicts: Number(read('maxmemory')) === 0 ? null : read('maxmemory_policy'),
      };
    },
    link: (purpose) => createRedisLink(options, purpose, logger),
    runOn,
    patientClient: (purpose) => createPatientClient(options, purpose),
  };
}

async function runOn<T>(link: RedisLink, commands: () => Promise<T>): Promise<T> {
  if (!link.isReady()) throw away();
  try {
    return await commands();
  } catch (error) {
    throw isRefusal(error) ? error : away(error);
  }
}

/** Answers of a server that is there and cannot serve now. Every other error that it answers is a bug of ours. */
const NOT_NOW = /^(LOADING|READONLY|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|BUSY|OOM|MISCONF|NOREPLICAS|NOAUTH|NOPERM)\b/;

function isRefusal(error: unknown): boolean {
  return error instanceof ReplyError && !NOT_NOW.test((error as Error).message);
}

function away(cause?: unknown) {
  return commonErrors.unavailable({ details: { retryAfterSeconds: 1 }, ...defined({ cause }) });
}
