import mqtt, { type IClientOptions, type MqttClient } from 'mqtt';
import { commonErrors } from '#kernel/errors.ts';
import type { Logger } from '#kernel/logger.ts';
import type { BrokerAddress } from './address.ts';

export interface ConnectionOptions {
  readonly address: BrokerAddress;
  /** What goes beyond address and login; `clientId` at least. */
  readonly client: IClientOptions & { readonly clientId: string };
  readonly logger: Logger;
  /** Prepares a client before its first connection. */
  readonly prepare?: (client: MqttClient) => void;
  /** After each connection, before it counts as one: subscribes, for example. When it fails, we connect again. */
  readonly onConnect?: (client: MqttClient) => Promise<void>;
  readonly onLost?: () => void;
  /** Default: 500 ms after it was lost; null: it is not made again. */
  readonly reconnectMs?: number | null;
}

/** One connection of ours to the broker, which comes back by itself. */
export interface Connection {
  /** Resolves when the first connection stands. @throws AppError `unavailable`, in words for the operator */
  open(signal?: AbortSignal): Promise<void>;
  /** The client while it is connected. @throws AppError `unavailable` */
  client(): MqttClient;
  isUp(): boolean;
  /** Bytes of our own making; nothing when the connection is gone. */
  write(bytes: Buffer): void;
  /** @param hangUp also what has arrived and was not read yet is left to the next connection of the session */
  close(options?: { readonly hangUp?: boolean }): Promise<void>;
}

const RECONNECT_MS = 500;
const CONNECT_TIMEOUT_MS = 5_000;
const DISCONNECT = Buffer.from([0xe0, 0]);

export function createConnection(options: ConnectionOptions): Connection {
  const { address, logger, reconnectMs = RECONNECT_MS } = options;
  let client: MqttClient | undefined;
  let up = false;
  let closing = false;

  async function connected(current: MqttClient): Promise<void> {
    await options.onConnect?.(current);
    if (current.connected) up = true;
  }

  function lost(): void {
    if (!up) return;
    up = false;
    if (!closing) logger.warn({ broker: address.url }, 'the connection to the MQTT broker is lost');
    options.onLost?.();
  }

  function away(cause: unknown): Error {
    const reason = (cause as { code?: unknown }).code ?? (cause as Error).message;
    const refused = reason === 4 || reason === 5 || reason === 134 || reason === 135;
    const detail = refused
      ? `The MQTT broker at ${address.url} refuses the user "${address.username}".`
      : `The MQTT broker at ${address.url} is away (${String(reason)}).`;
    return commonErrors.unavailable({ detail, cause });
  }

  return {
    async open(signal) {
      const current = mqtt.connect(address.url, {
        username: address.username,
        password: address.password,
        protocolVersion: 5,
        connectTimeout: CONNECT_TIMEOUT_MS,
        keepalive: 15,
        resubscribe: false,
        queueQoSZero: false,
        manualConnect: true,
        reconnectPeriod: 0,
        ...options.client,
      });
      client = current;
      options.prepare?.(current);
      let failure: unknown;
      current.on('error', (error) => {
        failure = error;
        logger.debug({ err: error, broker: address.url }, 'MQTT broker connection error');
      });
      current.on('close', lost);
      let first = true;
      try {
        await new Promise<void>((resolve, reject) => {
          current.on('connect', () => {
            connected(current).then(
              () => {
                if (!first) logger.info({ broker: address.url }, 'the MQTT broker is back');
                resolve();
              },
              (error: unknown) => {
                reject(error);
                // Ends this connection only; the next one tries again.
                if (!first) logger.warn({ err: error }, 'the MQTT broker does not serve us');
                current.stream.destroy();
              },
            );
          });
          current.once('close', () => reject(failure ?? new Error('closed')));
          signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
          current.connect();
        });
        first = false;
        if (reconnectMs !== null) current.options.reconnectPeriod = reconnectMs;
      } catch (error) {
        current.end(true);
        throw away(error);
      }
    },
    client() {
      if (!up || client === undefined) throw commonErrors.unavailable();
      return client;
    },
    isUp: () => up,
    write(bytes) {
      if (client?.connected) client.stream.write(bytes);
    },
    async close({ hangUp = false } = {}) {
      closing = true;
      const current = client;
      if (current === undefined) return;
      if (hangUp && current.connected) {
        // MQTT.js would read to the end of what has arrived before it lets go.
        await new Promise<void>((resolve) => current.stream.write(DISCONNECT, () => resolve()));
      }
      const force = hangUp || !up;
      up = false;
      await new Promise<void>((resolve) => current.end(force, {}, () => resolve()));
    },
  };
}
