import { commonErrors } from '#kernel/errors.ts';
import type { Logger } from '#kernel/logger.ts';
import type { Leases } from '#platform/leases/leases.port.ts';
import { InFlight, MAX_IN_FLIGHT_BYTES } from '../in-flight.ts';
import { type MqttBroker, type MqttHandler, SERVER_CHANNELS } from '../mqtt.port.ts';
import { createConnection } from './connection.ts';
import type { MosquittoControl } from './control.ts';
import type { MosquittoDownlink } from './downlink.ts';
import { createIdentities } from './identities.ts';
import { type Session, sessionsOf } from './partition.ts';
import { createReceiver } from './receiver.ts';
import { createReceivers, type ReceiversOptions, type SessionUser } from './receivers.ts';
import { agreeOnSessionCount } from './session-count.ts';
import { createStream, FORGET_TOPIC } from './stream.ts';

export interface MosquittoBrokerOptions {
  /** Started before the broker, stopped after it. */
  readonly control: MosquittoControl;
  readonly downlink: MosquittoDownlink;
  readonly handler: MqttHandler;
  /** That devices may publish to: the last level of the topic. */
  readonly channels: readonly string[];
  readonly logger: Logger;
  /** Common to all processes that take messages from this broker. */
  readonly leases: Leases;
  /** Among how many sessions the devices are divided; default 1. The same in all processes, and over restarts. */
  readonly sessionCount?: number;
  /** Where devices connect, to be shown; the broker's address for us may be another one. */
  readonly deviceAddresses: readonly string[];
  readonly limits?: {
    /** Unacknowledged messages that the broker may send in a session. Default 10,000. */
    readonly maxInFlight?: number;
    /** Unacknowledged messages of all sessions of this process together, in bytes. Default 64 MiB. */
    readonly maxInFlightBytes?: number;
  };
  /** See `ReceiversOptions`. */
  readonly timing?: Pick<ReceiversOptions, 'roundMs' | 'ttlMs' | 'yieldMs'>;
}

const MAX_IN_FLIGHT = 10_000;
const UNKNOWN_LOG_INTERVAL_MS = 60_000;

/**
 * Takes devices in at a Mosquitto 2.0 with dynamic security, as in deploy/mosquitto. A few sessions, which outlive
 * their processes, each get everything that devices send and all that the broker tells of their coming and going, in
 * its order; each deals with its part of the devices and acknowledges the rest unread. The processes divide the
 * sessions among them (`Receivers`). No shared subscription: Mosquitto forgets those when it restarts, and what is
 * published until they are made again is acknowledged and dropped.
 *
 * A process that takes no messages does not start it, and sends and cuts all the same.
 *
 * Mosquitto acknowledges to the device when it has the message in its queue. Our acknowledgement to Mosquitto
 * leaves after `acknowledge()`, so what was not stored comes again, to whoever has the session then.
 */
export function createMosquittoBroker(options: MosquittoBrokerOptions): MqttBroker {
  const { control, downlink, handler, logger, sessionCount = 1 } = options;
  const { address } = control;
  const identities = createIdentities(handler, logger);
  const inFlight = new InFlight(options.limits?.maxInFlightBytes ?? MAX_IN_FLIGHT_BYTES);
  let stopped = false;
  const noteUnknown = createUnknownLog(logger);

  function use(session: Session, onLost: () => void): SessionUser {
    const stream = createStream({
      session,
      channels: options.channels,
      handler,
      identities,
      downlink: downlink.edge,
      onUnknown: noteUnknown,
      nudge(topic) {
        if (receiver.isUp()) receiver.client().publish(topic, '', { qos: 1 });
      },
    });
    const receiver = createReceiver({
      address,
      clientId: session.clientId,
      logger,
      maxInFlight: options.limits?.maxInFlight ?? MAX_IN_FLIGHT,
      inFlight,
      subscriptions: stream.subscriptions,
      message: stream.message,
      onNewSession: () => logger.info({ session: session.name }, 'a new session at the MQTT broker'),
      onConnect() {
        stream.connected();
        downlink.edge.sessionOpened(session.owns);
      },
      onLost() {
        stream.lost();
        onLost();
      },
    });
    return {
      open: receiver.open,
      isUp: receiver.isUp,
      drain() {
        const drained = receiver.drain();
        stream.end();
        return drained;
      },
      close() {
        downlink.edge.release(session.owns);
        return receiver.close();
      },
    };
  }

  const receivers = createReceivers({
    leases: options.leases,
    sessions: sessionsOf(sessionCount),
    logger,
    use,
    brokerLostAt: control.lostAt,
    ...options.timing,
  });

  /** Takes the device's session over as a clean one: only so does Mosquitto drop what it keeps for it. */
  async function dropSession(deviceUid: string): Promise<void> {
    const session = createConnection({
      address,
      logger,
      reconnectMs: null,
      client: { clientId: deviceUid, clean: true, properties: { sessionExpiryInterval: 0 } },
    });
    await session.open();
    await session.close();
  }

  return {
    name: 'mqtt',
    async start(signal) {
      stopped = false;
      await agreeOnSessionCount({ address, logger, count: sessionCount }, signal);
      await receivers.start(signal);
    },
    async stop(signal) {
      stopped = true;
      await receivers.stop(signal);
      identities.stop();
    },
    async disconnect(deviceUid, { forget = false } = {}) {
      await downlink.port.disconnect(deviceUid);
      if (!forget) return;
      await dropSession(deviceUid);
      await Promise.all(SERVER_CHANNELS.map((channel) => downlink.port.clearRetained(deviceUid, channel)));
      identities.forget(deviceUid);
      await control.publish({ topic: FORGET_TOPIC, payload: deviceUid, qos: 1 });
    },
    async ping() {
      await control.ping();
      if (stopped || !receivers.isUp()) throw commonErrors.unavailable();
    },
    addresses: () => options.deviceAddresses,
  };
}

/** Any device with an account could fill the log: a line a minute, with how many there were. */
function createUnknownLog(logger: Logger) {
  let count = 0;
  let loggedAt = Number.NEGATIVE_INFINITY;
  return (deviceUid: string) => {
    count++;
    if (performance.now() - loggedAt < UNKNOWN_LOG_INTERVAL_MS) return;
    logger.warn({ device_uid: deviceUid, messages: count }, 'messages of devices that do not exist are dropped');
    loggedAt = performance.now();
    count = 0;
  };
}
