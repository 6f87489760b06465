import { type Collection, type Db, type Document, GridFSBucket, MongoClient, MongoServerError } from 'mongodb';
import { coalesce } from '#kernel/concurrency.ts';
import { commonErrors } from '#kernel/errors.ts';
import type { Component } from '#kernel/lifecycle.ts';
import type { Logger } from '#kernel/logger.ts';
import { createSilenceWatch } from '#kernel/silence.ts';
import { cannotStart, isAway, storeAway } from './mongodb-errors.ts';

export interface MongodbConnectionOptions {
  /** `mongodb://[user:password@]host[:port][,…]/[database][?…]` or `mongodb+srv://…`; the database's default is core_api. */
  readonly url: string;
  readonly logger: Logger;
}

/**
 * The process's pool of connections, shared by the adapters. Every write waits until a majority of the servers
 * has it in the journal, whatever the address says. `start` fails when no server can be written to; afterwards
 * the driver finds the primary again by itself.
 */
export interface MongodbConnection extends Component {
  /** Does no I/O. Commands only inside `run`. */
  collection<T extends Document>(name: string): Collection<T>;
  /** Of GridFS, with files under this name. Does no I/O; its streams reject with the driver's errors. */
  bucket(name: string): GridFSBucket;
  /**
   * Runs commands, and nothing else. They may have taken effect although this rejects.
   * @param options.hungAfterMs after which the driver must have answered one way or the other. If it has not, its
   *   connections are made anew: it has happened that it waited for ever after a server had restarted.
   * @throws AppError `unavailable` when no server took them within seconds
   */
  run<T>(commands: () => Promise<T>, options?: { readonly hungAfterMs?: number }): Promise<T>;
  /** @throws AppError `unavailable` */
  ping(): Promise<void>;
  /** Version, and the name of the replica set; null: a server alone. @throws AppError `unavailable` */
  server(): Promise<{ readonly version: string; readonly replicaSet: string | null }>;
}

const DEFAULT_DATABASE = 'core_api';
const SERVER_SELECTION_MS = 5_000;
/** A connection on which nothing comes is given up. Longer than any command that one waits for. */
const SILENCE_MS = 30_000;
/** For the question whether it is there. */
const GREETING_MS = 2_500;
const WRITE_CONCERN_MS = 10_000;
const LARGEST_POOL = 20;
const OLDEST_VERSION = 6;

export function createMongodbConnection({ url, logger }: MongodbConnectionOptions): MongodbConnection {
  const client = createClient(url);
  // Said here and not to the client: what the address says goes before its options.
  const database: Db = client.db(databaseOf(url), {
    writeConcern: { w: 'majority', journal: true, wtimeoutMS: WRITE_CONCERN_MS },
    readPreference: 'primary',
  });
  const server = `MongoDB at ${client.options.srvHost ?? client.options.hosts.join(',')}`;
  const silence = createSilenceWatch((signal) => greet(url, signal));
  let running = false;
  let away = false;

  /** Ends everything that the driver has in hand, and starts it again. */
  const renewal = coalesce(async () => {
    try {
      await client.close();
      await client.connect();
    } catch (error) {
      logger.warn({ err: error }, 'MongoDB is away');
    }
  });

  function renew(): Promise<void> {
    logger.error({}, 'MongoDB has not answered, and the driver goes on waiting; it is started again');
    return renewal.run();
  }

  async function within<T>(ms: number, work: Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const hung = new Promise<never>((_, reject) => {
      timer = setTimeout(() => void renew().then(() => reject(storeAway(new Error('the driver hung')))), ms);
    });
    try {
      return await Promise.race([work, hung]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Rejects when the server says nothing to anybody; the driver gives up its commands after `SILENCE_MS`. */
  async function whileThere<T>(work: Promise<T>): Promise<T> {
    let answered = () => {};
    const silent = new Promise<never>((_, reject) => {
      answered = silence.watch(() => reject(storeAway(new Error('no answer in time'))));
    });
    try {
      return await Promise.race([work, silent]);
    } finally {
      answered();
    }
  }

  async function run<T>(commands: () => Promise<T>, { hungAfterMs }: { hungAfterMs?: number } = {}): Promise<T> {
    if (!running) throw storeAway();
    try {
      const result = await whileThere(hungAfterMs === undefined ? commands() : within(hungAfterMs, commands()));
      if (away) logger.info({}, 'MongoDB is back');
      away = false;
      return result;
    } catch (error) {
      if (!isAway(error)) throw error;
      if (!away) logger.warn({ err: error }, 'MongoDB is away');
      away = true;
      throw storeAway(error);
    }
  }

  return {
    name: 'mongodb',
    async start(signal) {
      signal.throwIfAborted();
      // Ends the attempt to connect as well.
      const abandon = () => void client.close().catch(() => {});
      signal.addEventListener('abort', abandon, { once: true });
      try {
        await client.connect();
        // The handshake needs no rights; this shows whether the user may use the database.
        await database.command({ listCollections: 1, nameOnly: true, authorizedCollections: true });
        await refuseOldServer(database, server);
      } catch (error) {
        await client.close().catch(() => {});
        throw isAway(error) || signal.aborted ? cannotStart(server, error) : error;
      } finally {
        signal.removeEventListener('abort', abandon);
      }
      running = true;
    },
    async stop() {
      running = false;
      await client.close();
    },
    collection: (name) => database.collection(name),
    bucket: (bucketName) => new GridFSBucket(database, { bucketName }),
    run,
    ping: async () => void (await run(() => database.command({ ping: 1 }))),
    async server() {
      const { version } = await run(() => database.command({ buildInfo: 1 }));
      // The older name of `hello`; every server and its look-alikes know it.
      const { setName } = await run(() => database.command({ isMaster: 1 }));
      return { version: String(version), replicaSet: typeof setName === 'string' ? setName : null };
    },
  };
}

function createClient(url: string): MongoClient {
  try {
    return new MongoClient(url, {
      appName: 'core-api',
      serverSelectionTimeoutMS: SERVER_SELECTION_MS,
      connectTimeoutMS: SERVER_SELECTION_MS,
      socketTimeoutMS: SILENCE_MS,
      maxPoolSize: LARGEST_POOL,
      ignoreUndefined: true,
    });
  } catch (cause) {
    // What the driver says can hold the password.
    const detail = 'The address of MongoDB is not one: it looks like mongodb://user:password@host:27017/core_api.';
    throw commonErrors.unavailable({ detail, cause });
  }
}

/** Resolves when a server answers on a connection of its own, whatever it says. */
async function greet(url: string, signal: AbortSignal): Promise<void> {
  const client = new MongoClient(url, {
    appName: 'core-api: is it there',
    serverSelectionTimeoutMS: GREETING_MS,
    connectTimeoutMS: GREETING_MS,
    socketTimeoutMS: GREETING_MS,
    maxPoolSize: 1,
  });
  signal.addEventListener('abort', () => void client.close().catch(() => {}), { once: true });
  try {
    await client.connect();
    await client.db().command({ ping: 1 });
  } catch (error) {
    // It answered.
    if (!(error instanceof MongoServerError)) throw error;
  } finally {
    await client.close().catch(() => {});
  }
}

function databaseOf(url: string): string {
  const path = /^mongodb(?:\+srv)?:\/\/[^/?]+\/([^?]+)/.exec(url)?.[1];
  return path === undefined ? DEFAULT_DATABASE : decodeURIComponent(path);
}

async function refuseOldServer(database: Db, server: string): Promise<void> {
  const { version } = await database.command({ buildInfo: 1 });
  if (Number.parseInt(String(version), 10) >= OLDEST_VERSION) return;
  throw commonErrors.unavailable({ detail: `${server} is version ${version}; ${OLDEST_VERSION} or newer is needed.` });
}
