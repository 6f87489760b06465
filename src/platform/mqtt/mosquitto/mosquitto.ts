import { commonErrors } from '#kernel/errors.ts';
import type { Logger } from '#kernel/logger.ts';
import {
  DEVICE_CHANNELS,
  type DeviceChannel,
  type MqttBroker,
  type MqttHandler,
  SERVER_CHANNELS,
} from '../mqtt.port.ts';
import { createConnection } from './connection.ts';
import type { MosquittoControl } from './control.ts';
import { createIdentities } from './identities.ts';
import { createListener, LISTENER_TOPIC } from './listener.ts';
import { createReceiver } from './receiver.ts';

export interface MosquittoBrokerOptions {
  /** Started before the broker, stopped after it. */
  readonly control: MosquittoControl;
  readonly handler: MqttHandler;
  readonly logger: Logger;
  /**
   * Names this process's session at the broker: unique among the processes that run, and the same after a
   * restart, because what came meanwhile waits under this name. Letters, digits, `.`, `_` and `-`.
   */
  readonly instanceId: string;
  /** Where devices connect, to be shown; the broker's address for us may be another one. */
  readonly deviceAddresses: readonly string[];
  readonly limits?: {
    /** Unacknowledged messages that the broker may send. Default 10,000, which are 640 MB at the very most. */
    readonly maxInFlight?: number;
  };
  /** Of the process that listens for status; default 3 s. */
  readonly heartbeatMs?: number;
}

const GROUP = 'core-api';
const FORGET_TOPIC = 'core-api/forget';
const MAX_IN_FLIGHT = 10_000;
const UNKNOWN_LOG_INTERVAL_MS = 60_000;
const CHANNELS: ReadonlySet<string> = new Set(DEVICE_CHANNELS);

/**
 * Takes devices in at a Mosquitto 2.0 with dynamic security, as in deploy/mosquitto. Telemetry, logs and
 * responses come over a shared subscription, each to one process; what decides the status of devices comes to
 * one process at a time (see `Listener`).
 *
 * A process that takes no messages does not start it, and sends and cuts all the same.
 *
 * Mosquitto acknowledges to the device when it has the message in its queue. Our acknowledgement to Mosquitto
 * leaves after `acknowledge()`, so what was not stored comes again, to this process: sessions keep their share.
 */
export function createMosquittoBroker(options: MosquittoBrokerOptions): MqttBroker {
  const { control, handler, logger, instanceId } = options;
  const { address } = control;
  const identities = createIdentities(handler, logger);
  let stopped = false;
  const noteUnknown = createUnknownLog(logger);

  function message(topic: string, payload: Buffer, acknowledge: () => void): void {
    if (topic === LISTENER_TOPIC || topic === FORGET_TOPIC) {
      const text = payload.toString();
      if (topic === LISTENER_TOPIC) listener.heard(text);
      else identities.forget(text);
      acknowledge();
      return;
    }
    const end = topic.indexOf('/', PREFIX_LENGTH);
    const channel = topic.slice(end + 1);
    if (end < 0 || !isChannel(channel)) {
      acknowledge();
      return;
    }
    const uid = topic.slice(PREFIX_LENGTH, end);
    identities.with(uid, (device) => {
      if (device !== null) return handler.message({ device, channel, payload }, acknowledge);
      // Left over from a device that was deleted meanwhile.
      noteUnknown(uid);
      acknowledge();
    });
  }

  const listener = createListener({
    address,
    instanceId,
    handler,
    identities,
    message,
    logger,
    ...(options.heartbeatMs === undefined ? {} : { heartbeatMs: options.heartbeatMs }),
  });
  const receiver = createReceiver({
    address,
    clientId: `core.api.ingest.${instanceId}`,
    logger,
    maxInFlight: options.limits?.maxInFlight ?? MAX_IN_FLIGHT,
    // What was retained is old (rh 2).
    subscriptions: {
      ...Object.fromEntries(
        DEVICE_CHANNELS.filter((channel) => channel !== 'status').map((channel) => [
          `$share/${GROUP}/devices/+/${channel}`,
          { qos: 1, rh: 2 },
        ]),
      ),
      [FORGET_TOPIC]: { qos: 1, rh: 2 },
      [LISTENER_TOPIC]: { qos: 0, rh: 2 },
    },
    message,
    onConnect: () => listener.reconnected(),
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
      await receiver.open(signal);
      await listener.start(signal);
    },
    async stop(signal) {
      stopped = true;
      await Promise.all([receiver.close(signal), listener.stop(signal)]);
      identities.stop();
    },
    async publish(outgoing) {
      if (stopped) throw commonErrors.unavailable();
      await control.publish(outgoing);
    },
    async disconnect(deviceUid, { forget = false } = {}) {
      const [kicked] = await control.command({ command: 'modifyClient', username: deviceUid });
      if (kicked?.error !== undefined && !/not found/i.test(kicked.error)) {
        throw commonErrors.unavailable({ cause: new Error(kicked.error) });
      }
      if (!forget) return;
      await dropSession(deviceUid);
      await Promise.all(
        SERVER_CHANNELS.map((channel) =>
          control.publish({ topic: `devices/${deviceUid}/${channel}`, payload: '', qos: 1, retain: true }),
        ),
      );
      identities.forget(deviceUid);
      await control.publish({ topic: FORGET_TOPIC, payload: deviceUid, qos: 1 });
    },
    async ping() {
      await control.ping();
      receiver.client();
    },
    addresses: () => options.deviceAddresses,
  };
}

const PREFIX_LENGTH = 'devices/'.length;

function isChannel(text: string): text is DeviceChannel {
  return CHANNELS.has(text);
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
