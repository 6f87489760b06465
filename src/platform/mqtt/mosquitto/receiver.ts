import type { ISubscriptionMap, MqttClient } from 'mqtt';
import type { Logger } from '#kernel/logger.ts';
import { type InFlight, MESSAGE_OVERHEAD_BYTES } from '../in-flight.ts';
import { Acknowledgements } from './acknowledgements.ts';
import type { BrokerAddress } from './address.ts';
import { type Connection, createConnection } from './connection.ts';
import { type Delivery, Redeliveries } from './redeliveries.ts';

/**
 * A persistent session whose messages are acknowledged when the one who takes them says so, one connection after
 * the other. An acknowledgement goes to the connection on which the message came, or nowhere.
 */
export interface Receiver {
  /** Connects, and subscribes. A connection that is lost is not made again; this may be called again then. */
  open(signal?: AbortSignal): Promise<void>;
  isUp(): boolean;
  /** The client while it is connected. @throws AppError `unavailable` */
  client: Connection['client'];
  /**
   * Takes nothing more. Resolves when the broker has the acknowledgements of all that was taken: so it may take a
   * connection that is yet to be made.
   */
  drain(): Promise<void>;
  /** Ends the connection at once, and leaves the session at the broker. Not opened again. */
  close(): Promise<void>;
}

export interface ReceiverOptions {
  readonly address: BrokerAddress;
  readonly clientId: string;
  readonly logger: Logger;
  readonly subscriptions: ISubscriptionMap;
  /**
   * One message; must not throw. What was not acknowledged comes again on the next connection of the session; to
   * this receiver it is the same message then, and is not handed over twice.
   */
  readonly message: (topic: string, payload: Buffer, acknowledge: () => void) => void;
  readonly maxInFlight: number;
  /** Shared by the sessions of this process: while it is full, none of them is read. */
  readonly inFlight: InFlight;
  /** Default 15 s. */
  readonly keepAliveSeconds?: number;
  /** The session was not there: what came while it was not is lost. */
  readonly onNewSession?: () => void;
  /** Each time, when it counts as connected. */
  readonly onConnect?: () => void;
  readonly onLost?: () => void;
}

/** How long the broker keeps what comes while nobody uses the session. */
const SESSION_SECONDS = 14 * 86_400;
/** More than the broker has in flight: after a restart it may be more than we allow. */
const REMEMBERED = 20_000;
/**
 * Keeps MQTT.js from acknowledging by itself, and lets it go on with the next packet; nothing else comes of it
 * (lib/handlers/publish.js, lib/client.js `nextTickWork`). Otherwise one message would be in flight at a time.
 */
const LATER = new Error('acknowledged later');
const KEEP_ALIVE_SECONDS = 15;
/** Nobody subscribes to it. */
const SYNC_TOPIC = 'core-api/sync';
const NOTHING = () => {};

/** One connection of the session. */
interface Link {
  readonly connection: Connection;
  readonly acknowledgements: Acknowledgements;
}

export function createReceiver(options: ReceiverOptions): Receiver {
  const { logger, message, maxInFlight, inFlight, keepAliveSeconds = KEEP_ALIVE_SECONDS } = options;
  const redeliveries = new Redeliveries(REMEMBERED);
  let link: Link | undefined;
  let draining = false;
  let closed = false;
  /** Handed over, and not dealt with yet. */
  let pending = 0;
  let whenDrained = NOTHING;

  function received(acknowledgements: Acknowledgements, topic: string, payload: Buffer, packet: Packet): void {
    const { qos, dup = false, messageId = 0 } = packet;
    if (qos === 0) {
      if (!draining) message(topic, payload, NOTHING);
      return;
    }
    const known = redeliveries.find(messageId, dup, topic, payload);
    // Left to whoever has the session next.
    if (draining && known === undefined) return;
    const delivery = known ?? redeliveries.add(messageId, topic, payload);
    delivery.acknowledge = acknowledgements.expect(messageId);
    if (delivery.isDone) delivery.acknowledge();
    else if (known === undefined) hand(delivery, topic, payload);
  }

  function hand(delivery: Delivery, topic: string, payload: Buffer): void {
    const bytes = MESSAGE_OVERHEAD_BYTES + payload.length;
    pending++;
    inFlight.take(bytes);
    message(topic, payload, () => {
      if (delivery.isDone) return;
      delivery.isDone = true;
      pending--;
      inFlight.release(bytes);
      delivery.acknowledge?.();
      settle();
    });
  }

  /**
   * Redeliveries come before the answer to our subscription: none is to be expected on a connection that is up. The
   * broker takes packets in order, so when it answers this one it has read all acknowledgements.
   */
  function settle(): void {
    if (!draining || pending > 0 || link === undefined) return;
    const { connection, acknowledgements } = link;
    void acknowledgements.empty().then(() => {
      if (!connection.isUp()) return;
      connection.client().publish(SYNC_TOPIC, '', { qos: 1 }, (error) => {
        if (!error && connection.isUp()) whenDrained();
      });
    });
  }

  function prepare(client: MqttClient, current: () => Link): void {
    let isAccepted = false;
    let isOver = false;
    let pings: NodeJS.Timeout | undefined;
    let goOn = NOTHING;

    function resume(): void {
      clearInterval(pings);
      if (!closed && !isOver) goOn();
    }

    /**
     * MQTT.js reads no further before it is told to go on, so what comes waits in the socket and then at the broker.
     * Answers to our pings wait there too: we go on sending them, for the broker, and expect none.
     */
    function pause(): void {
      inFlight.wait(resume);
      pings = setInterval(
        () => {
          client.sendPing();
          client.reschedulePing(true);
        },
        (keepAliveSeconds * 1_000) / 3,
      );
    }

    client.handleMessage = (packet, callback) => {
      if (closed || isOver) return;
      received(current().acknowledgements, packet.topic, packet.payload as Buffer, packet);
      if (!inFlight.full) return callback(LATER);
      goOn = () => callback(LATER);
      pause();
    };
    client.on('packetreceive', (packet) => {
      if (packet.cmd !== 'connack' || packet.reasonCode !== 0) return;
      isAccepted = true;
      if (packet.sessionPresent) return;
      redeliveries.clear();
      options.onNewSession?.();
    });
    client.on('close', () => {
      if (isOver) return;
      isOver = true;
      inFlight.forget(resume);
      clearInterval(pings);
      current().acknowledgements.reset();
      if (isAccepted && !closed) options.onLost?.();
    });
  }

  function createLink(): Link {
    const connection = createConnection({
      address: options.address,
      logger,
      reconnectMs: null,
      client: {
        clientId: options.clientId,
        clean: false,
        keepalive: keepAliveSeconds,
        properties: { sessionExpiryInterval: SESSION_SECONDS, receiveMaximum: maxInFlight },
      },
      prepare: (client) => prepare(client, () => created),
      async onConnect(client) {
        await client.subscribeAsync(options.subscriptions);
        options.onConnect?.();
      },
    });
    const created: Link = { connection, acknowledgements: new Acknowledgements((bytes) => connection.write(bytes)) };
    return created;
  }

  return {
    async open(signal) {
      const opened = createLink();
      link = opened;
      await opened.connection.open(signal);
      settle();
    },
    isUp: () => link?.connection.isUp() ?? false,
    client() {
      if (link === undefined) throw new Error('the receiver was not opened');
      return link.connection.client();
    },
    drain() {
      draining = true;
      return new Promise((resolve) => {
        whenDrained = resolve;
        settle();
      });
    },
    async close() {
      closed = true;
      await link?.connection.close({ hangUp: true });
    },
  };
}

interface Packet {
  readonly qos: number;
  readonly dup?: boolean;
  readonly messageId?: number;
}
