import type { IClientOptions, ISubscriptionMap } from 'mqtt';
import type { Logger } from '#kernel/logger.ts';
import { Acknowledgements } from './acknowledgements.ts';
import type { BrokerAddress } from './address.ts';
import { type Connection, createConnection } from './connection.ts';

/** A persistent session whose messages are acknowledged when the one who takes them says so. */
export interface Receiver {
  open(signal?: AbortSignal): Promise<void>;
  isUp(): boolean;
  client: Connection['client'];
  /** Takes nothing more, waits for the acknowledgements of what was taken, and leaves the session at the broker. */
  close(signal: AbortSignal): Promise<void>;
}

export interface ReceiverOptions {
  readonly address: BrokerAddress;
  readonly clientId: string;
  readonly logger: Logger;
  readonly subscriptions: ISubscriptionMap;
  /** One message; must not throw. Unacknowledged ones come again on the next connection of the session. */
  readonly message: (topic: string, payload: Buffer, acknowledge: () => void) => void;
  readonly maxInFlight: number;
  readonly reconnectMs?: number | null;
  readonly will?: NonNullable<IClientOptions['will']>;
  readonly onConnect?: () => void;
  /** @param takenOver another process uses the session now */
  readonly onLost?: (takenOver: boolean) => void;
}

/** How long the broker keeps what comes for a process that is away. */
const SESSION_SECONDS = 14 * 86_400;
const SESSION_TAKEN_OVER = 0x8e;
/**
 * Keeps MQTT.js from acknowledging by itself, and lets it go on with the next packet; nothing else comes of it
 * (lib/handlers/publish.js, lib/client.js `nextTickWork`). Otherwise one message would be in flight at a time.
 */
const LATER = new Error('acknowledged later');
const NOTHING = () => {};

export function createReceiver(options: ReceiverOptions): Receiver {
  const { logger, message } = options;
  let stopping = false;
  let takenOver = false;
  const acknowledgements = new Acknowledgements((bytes) => write(bytes));
  let write: (bytes: Buffer) => void = NOTHING;

  const connection = createConnection({
    address: options.address,
    logger,
    ...(options.reconnectMs === undefined ? {} : { reconnectMs: options.reconnectMs }),
    client: {
      clientId: options.clientId,
      clean: false,
      properties: { sessionExpiryInterval: SESSION_SECONDS, receiveMaximum: options.maxInFlight },
      ...(options.will === undefined ? {} : { will: options.will }),
    },
    prepare(client) {
      write = (bytes) => {
        if (client.connected) client.stream.write(bytes);
      };
      client.handleMessage = (packet, callback) => {
        // Without the callback MQTT.js reads no further.
        if (stopping) return;
        const acknowledge = packet.qos === 0 ? NOTHING : acknowledgements.expect(packet.messageId ?? 0);
        message(packet.topic, packet.payload as Buffer, acknowledge);
        callback(LATER);
      };
      client.on('disconnect', ({ reasonCode }) => {
        takenOver = reasonCode === SESSION_TAKEN_OVER;
      });
      client.on('close', () => {
        acknowledgements.reset();
        const wasTakenOver = takenOver;
        takenOver = false;
        if (!stopping) options.onLost?.(wasTakenOver);
      });
    },
    async onConnect(client) {
      await client.subscribeAsync(options.subscriptions);
      options.onConnect?.();
    },
  });

  return {
    open: (signal) => connection.open(signal),
    isUp: connection.isUp,
    client: connection.client,
    async close(signal) {
      stopping = true;
      let onAbort = NOTHING;
      const aborted = new Promise<void>((resolve) => {
        onAbort = resolve;
        signal.addEventListener('abort', onAbort, { once: true });
      });
      if (!signal.aborted) await Promise.race([acknowledgements.empty(), aborted]);
      signal.removeEventListener('abort', onAbort);
      await connection.close({ hangUp: true });
    },
  };
}
