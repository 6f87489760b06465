import type { SecureContextOptions } from 'node:tls';
import { Redis } from 'ioredis';
import { backoffMs } from '#kernel/concurrency.ts';
import { type AppError, commonErrors } from '#kernel/errors.ts';
import type { Logger } from '#kernel/logger.ts';

export interface RedisAddress {
  /** `redis://[user[:password]@]host[:port][/database]`, `rediss://` for TLS. */
  readonly url: string;
  /** Certificates (PEM) that a `rediss://` server is trusted by; default: those of the runtime. */
  readonly ca?: string | undefined;
}

/** One TCP connection that comes back by itself. */
export interface RedisLink {
  /**
   * Never queues a command while the server is away and never sends one twice: a command fails at once, or a
   * second after a server that hangs has got it.
   */
  readonly client: Redis;
  isReady(): boolean;
  /** @throws AppError `unavailable` whose message is the line for the operator */
  start(signal: AbortSignal): Promise<void>;
  stop(): Promise<void>;
}

const CONNECT_TIMEOUT_MS = 2_000;
const COMMAND_TIMEOUT_MS = 1_000;
/** A peer that vanished without a word shows only when it is spoken to. */
const HEARTBEAT_MS = 2_000;
const SILENCE_MS = 2_000;
/** Longer than BullMQ waits for a job in one command, which is 10 s. */
const PATIENT_SILENCE_MS = 15_000;
const RETRY = { firstMs: 50, longestMs: 2_000, jitter: 0.5 };

/** @param purpose names the connection in the log and in `CLIENT LIST` */
export function createRedisLink({ url, ca }: RedisAddress, purpose: string, logger: Logger): RedisLink {
  let keepsTrying = false;
  let wasReady = false;
  let lastError: unknown;
  let heartbeat: NodeJS.Timeout | undefined;

  const client = new Redis(url, {
    ...tlsOf({ url, ca }),
    lazyConnect: true,
    connectionName: `core-api:${purpose}`,
    connectTimeout: CONNECT_TIMEOUT_MS,
    commandTimeout: COMMAND_TIMEOUT_MS,
    socketTimeout: SILENCE_MS,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    autoResubscribe: false,
    retryStrategy: (attempt) => (keepsTrying ? backoff(attempt) : null),
    // After a fail-over this connection still leads to the former primary.
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
  });
  client.on('error', (error) => {
    lastError = error;
  });
  client.on('close', () => {
    if (!wasReady || !keepsTrying) return;
    wasReady = false;
    logger.warn({ err: lastError, connection: purpose }, 'the connection to Redis is lost');
  });
  client.on('ready', () => {
    if (!wasReady && keepsTrying) logger.info({ connection: purpose }, 'the connection to Redis is back');
    wasReady = true;
    lastError = undefined;
  });

  const isReady = () => client.status === 'ready';

  return {
    client,
    isReady,
    async start(signal) {
      signal.throwIfAborted();
      const abandon = () => client.disconnect();
      signal.addEventListener('abort', abandon, { once: true });
      try {
        await client.connect();
      } catch (error) {
        client.disconnect();
        throw cannotStart(url, lastError ?? error);
      } finally {
        signal.removeEventListener('abort', abandon);
      }
      keepsTrying = true;
      heartbeat = setInterval(() => {
        if (isReady()) client.ping().catch(() => {});
      }, HEARTBEAT_MS).unref();
    },
    async stop() {
      keepsTrying = false;
      clearInterval(heartbeat);
      // Also waits for the answers to what was sent before.
      if (isReady()) await client.quit().catch(() => {});
      if (client.status !== 'end') client.disconnect();
    },
  };
}

/**
 * A client that connects when it is first used, for a library that also makes connections of its own from it: commands
 * wait for a server that is away, and are sent again when it is back. Who asks for it disconnects it.
 */
export function createPatientClient({ url, ca }: RedisAddress, purpose: string): Redis {
  return new Redis(url, {
    ...tlsOf({ url, ca }),
    lazyConnect: true,
    connectionName: `core-api:${purpose}`,
    connectTimeout: CONNECT_TIMEOUT_MS,
    socketTimeout: PATIENT_SILENCE_MS,
    maxRetriesPerRequest: null,
    retryStrategy: backoff,
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
  });
}

function tlsOf({ url, ca }: RedisAddress): { readonly tls?: SecureContextOptions } {
  return ca !== undefined && url.startsWith('rediss:') ? { tls: { ca } } : {};
}

/** @param attempt from 1 */
function backoff(attempt: number): number {
  return backoffMs(RETRY, attempt - 1);
}

function cannotStart(url: string, cause: unknown): AppError {
  const { protocol, hostname, port } = new URL(url);
  const server = `Redis at ${protocol}//${hostname}:${port === '' ? '6379' : port}`;
  const { code, message = '' } = cause as { readonly code?: string; readonly message?: string };
  return commonErrors.unavailable({ detail: `${server} ${reason(code, message)}`, cause });
}

function reason(code: string | undefined, message: string): string {
  if (/^WRONGPASS|invalid username-password/.test(message)) return 'does not accept this user name and password.';
  if (/^NOAUTH/.test(message)) return 'wants a password, and the address holds none.';
  if (code !== undefined && /CERT|TLS|SSL|ALTNAME/.test(code)) return `cannot be trusted: ${message} (${code}).`;
  if (/time(d )?out/i.test(message) || code === 'ETIMEDOUT') return 'does not answer.';
  if (code !== undefined) return `cannot be reached (${code}).`;
  return `cannot be used: ${message}.`;
}
