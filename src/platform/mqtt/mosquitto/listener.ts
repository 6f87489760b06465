import type { Logger } from '#kernel/logger.ts';
import type { MqttHandler } from '../mqtt.port.ts';
import type { BrokerAddress } from './address.ts';
import { createEndings } from './endings.ts';
import type { Identities } from './identities.ts';
import { createReceiver, type Receiver } from './receiver.ts';
import { parseSignal, type Signal } from './signals.ts';

/** Where the process that listens says, again and again, that it does. An empty message: it is gone. */
export const LISTENER_TOPIC = 'core-api/listener';
const CLIENT_ID = 'core.api.listener';
const SIGNALS = '$SYS/broker/log/N';
const UPTIME = '$SYS/broker/uptime';
const MAX_IN_FLIGHT = 1_000;
const HEARTBEAT_MS = 3_000;
/** How exactly `$SYS/broker/uptime` tells the moment of a start. */
const UPTIME_ERROR_MS = 4_000;

/**
 * Everything that decides a device's status (the broker's signals, status messages, Last Wills) is taken by
 * one process at a time, in the broker's order: two that share it would store a device's coming and going in
 * any order, and two that both take it would store it twice.
 *
 * The one is whoever has the session `core.api.listener`. The newest process takes it when it starts; the one
 * that had it stands by. Should the listener's heartbeat be missed, or its Last Will come, whoever stands by
 * takes over, at a random moment; if two do, the second wins. Mosquitto keeps signals for 20 seconds, so
 * none is lost on the way.
 */
export interface Listener {
  start(signal: AbortSignal): Promise<void>;
  stop(signal: AbortSignal): Promise<void>;
  /** What came on `LISTENER_TOPIC`. */
  heard(instance: string): void;
  /** The broker is there again: whoever listened before has a while to come back. */
  reconnected(): void;
  isListening(): boolean;
}

export interface ListenerOptions {
  readonly address: BrokerAddress;
  readonly instanceId: string;
  readonly handler: Pick<MqttHandler, 'connected' | 'disconnected'>;
  readonly identities: Identities;
  /** A message on `devices/+/status`. */
  readonly message: (topic: string, payload: Buffer, acknowledge: () => void) => void;
  readonly logger: Logger;
  /** Default 3 s. */
  readonly heartbeatMs?: number;
}

export function createListener(options: ListenerOptions): Listener {
  const { address, instanceId, handler, identities, logger, heartbeatMs = HEARTBEAT_MS } = options;
  /** Devices that the broker told to be connected, with the number of our connection on which it did. */
  const online = new Map<string, number>();
  const endings = createEndings();
  let receiver: Receiver | undefined;
  let timer: NodeJS.Timeout | undefined;
  let takeOverTimer: NodeJS.Timeout | undefined;
  let taking = false;
  let stopped = true;
  let heardAt = 0;
  let connections = 0;
  let lostAt: number | undefined;

  function signalled(signal: Signal): void {
    const { deviceUid } = signal;
    endings.flush(deviceUid);
    const epoch = connections;
    identities.with(deviceUid, (device) => {
      if (signal.kind === 'disconnected') {
        online.delete(deviceUid);
        if (device !== null) handler.disconnected(device);
      } else if (device !== null) {
        // A take-over of the session: the broker says nothing of the end of the old connection.
        if (online.has(deviceUid)) handler.disconnected(device);
        online.set(deviceUid, epoch);
        handler.connected(device, { ipAddress: signal.ipAddress });
      }
    });
  }

  /** A broker that was started after we lost it has no connection left of those that we know of. */
  function uptime(seconds: number): void {
    if (lostAt === undefined || Number.isNaN(seconds)) return;
    const restarted = Date.now() - seconds * 1_000 > lostAt - UPTIME_ERROR_MS;
    lostAt = undefined;
    if (!restarted) return;
    for (const [deviceUid, epoch] of online) {
      if (epoch < connections) signalled({ kind: 'disconnected', deviceUid });
    }
  }

  function message(topic: string, payload: Buffer, acknowledge: () => void): void {
    if (topic === SIGNALS) {
      const signal = parseSignal(payload.toString());
      if (signal?.kind !== 'disconnected') {
        if (signal !== null) signalled(signal);
        acknowledge();
        return;
      }
      endings.add(signal.deviceUid, () => {
        signalled(signal);
        acknowledge();
      });
    } else if (topic === UPTIME) {
      uptime(Number.parseInt(payload.toString(), 10));
      acknowledge();
    } else {
      options.message(topic, payload, acknowledge);
    }
  }

  function lost(takenOver: boolean): void {
    if (stopped || taking) return;
    receiver = undefined;
    heardAt = Date.now();
    if (takenOver) {
      logger.info({}, 'another process listens for the status of devices now');
      online.clear();
      lostAt = undefined;
    } else {
      lostAt ??= Date.now();
      takeOverAfter(heartbeatMs / 6);
    }
  }

  async function takeOver(signal?: AbortSignal): Promise<void> {
    taking = true;
    connections++;
    const next = createReceiver({
      address,
      clientId: CLIENT_ID,
      logger,
      maxInFlight: MAX_IN_FLIGHT,
      reconnectMs: null,
      subscriptions: {
        // What was retained says nothing about now (rh 2), but for the uptime.
        'devices/+/status': { qos: 1, rh: 2 },
        [SIGNALS]: { qos: 1, rh: 2 },
        [UPTIME]: { qos: 0, rh: 0 },
      },
      will: { topic: LISTENER_TOPIC, payload: Buffer.alloc(0), qos: 1, retain: false },
      message,
      onLost: (takenOver) => receiver === next && lost(takenOver),
    });
    try {
      await next.open(signal);
      receiver = next;
      if (stopped) await next.close(AbortSignal.abort());
      else beat();
    } finally {
      taking = false;
    }
    // Lost before it was known to be ours.
    if (!stopped && !next.isUp()) lost(false);
  }

  function takeOverAfter(ms: number): void {
    clearTimeout(takeOverTimer);
    takeOverTimer = setTimeout(() => {
      if (stopped || taking || receiver !== undefined) return;
      takeOver().catch(() => {
        // Who had it knows who was connected, and comes back first.
        if (lostAt === undefined) heardAt = Date.now();
        else takeOverAfter(heartbeatMs / 6);
      });
    }, ms);
  }

  function beat(): void {
    if (receiver?.isUp()) receiver.client().publish(LISTENER_TOPIC, instanceId, { qos: 0 });
    else if (lostAt === undefined && Date.now() - heardAt > 3 * heartbeatMs) takeOverAfter(Math.random() * heartbeatMs);
  }

  return {
    async start(signal) {
      stopped = false;
      await takeOver(signal);
      timer = setInterval(beat, heartbeatMs);
    },
    async stop(signal) {
      stopped = true;
      clearInterval(timer);
      clearTimeout(takeOverTimer);
      const current = receiver;
      receiver = undefined;
      endings.flushAll();
      if (current?.isUp()) current.client().publish(LISTENER_TOPIC, '', { qos: 0 });
      await current?.close(signal);
    },
    heard(instance) {
      if (instance === '') {
        if (receiver === undefined) takeOverAfter((Math.random() * heartbeatMs) / 3);
      } else {
        heardAt = Date.now();
        if (instance !== instanceId && lostAt === undefined) clearTimeout(takeOverTimer);
      }
    },
    reconnected() {
      heardAt = Date.now();
    },
    isListening: () => receiver?.isUp() ?? false,
  };
}
