import type { ISubscriptionMap } from 'mqtt';
import type { MqttHandler } from '../mqtt.port.ts';
import type { DownlinkEdge } from './downlink.ts';
import type { Identities } from './identities.ts';
import type { Session } from './partition.ts';
import { createPresence } from './presence.ts';
import { parseSignal, parseSubscription, type Signal } from './signals.ts';

/** Tells every process that a uid may be another device's from now on. */
export const FORGET_TOPIC = 'core-api/forget';
const SIGNALS = '$SYS/broker/log/N';
/** Who subscribes to what, and who no longer does. */
const SUBSCRIPTIONS = ['$SYS/broker/log/M/subscribe', '$SYS/broker/log/M/unsubscribe'];
const UPTIME = '$SYS/broker/uptime';
const PREFIX_LENGTH = 'devices/'.length;

/** What one session brings, in the broker's order: messages of devices, their coming and going, words of our own. */
export interface Stream {
  readonly subscriptions: ISubscriptionMap;
  message(topic: string, payload: Buffer, acknowledge: () => void): void;
  connected(): void;
  lost(): void;
  /** No further message will come: what was held for the next one is told now. */
  end(): void;
}

export interface StreamOptions {
  readonly session: Session;
  /** That devices may publish to. */
  readonly channels: readonly string[];
  readonly handler: Pick<MqttHandler, 'connected' | 'disconnected' | 'message'>;
  readonly identities: Identities;
  readonly downlink: DownlinkEdge;
  /** A message of a device that does not exist. */
  readonly onUnknown: (deviceUid: string) => void;
  /** Publishes to a topic of this stream, so that a message comes after all that is there already. */
  readonly nudge: (topic: string) => void;
}

interface Ending {
  readonly signal: Signal;
  readonly acknowledge: () => void;
}

export function createStream(options: StreamOptions): Stream {
  const { session, handler, identities, onUnknown, nudge } = options;
  const channels: ReadonlySet<string> = new Set(options.channels);
  const nudgeTopic = `core-api/nudge/${session.name}`;
  const presence = createPresence(handler, identities, options.downlink);
  /**
   * Mosquitto says that a session is over right before it publishes the session's Last Will, which comes first by
   * the port. So an ending is held until the next message, whatever it is: the will, or a sign that there is none.
   */
  let held: Ending | undefined;

  function release(): void {
    if (held === undefined) return;
    const { signal, acknowledge } = held;
    held = undefined;
    presence.signalled(signal);
    acknowledge();
  }

  function signalled(signal: Signal | null, acknowledge: () => void): void {
    if (signal === null || !session.owns(signal.deviceUid)) {
      acknowledge();
      return;
    }
    if (signal.kind !== 'disconnected') {
      presence.signalled(signal);
      acknowledge();
      return;
    }
    const ending = { signal, acknowledge };
    held = ending;
    // Nothing may come for a long time: so we send something ourselves, once what is here already was read.
    setImmediate(() => {
      if (held === ending) nudge(nudgeTopic);
    });
  }

  function ofDevice(topic: string, payload: Buffer, acknowledge: () => void): void {
    const end = topic.indexOf('/', PREFIX_LENGTH);
    const channel = topic.slice(end + 1);
    const uid = topic.slice(PREFIX_LENGTH, end);
    if (end < 0 || !channels.has(channel) || !session.owns(uid)) {
      acknowledge();
      return;
    }
    identities.with(uid, (device) => {
      if (device !== null) return handler.message({ device, channel, payload }, acknowledge);
      // Left over from a device that was deleted meanwhile.
      onUnknown(uid);
      acknowledge();
    });
  }

  return {
    // What was retained is old (rh 2), but for the uptime.
    subscriptions: {
      ...Object.fromEntries(options.channels.map((channel) => [`devices/+/${channel}`, { qos: 1 as const, rh: 2 }])),
      ...Object.fromEntries([SIGNALS, ...SUBSCRIPTIONS].map((topic) => [topic, { qos: 1 as const, rh: 2 }])),
      [UPTIME]: { qos: 0, rh: 0 },
      [FORGET_TOPIC]: { qos: 1, rh: 2 },
      [nudgeTopic]: { qos: 1, rh: 2 },
    },
    message(topic, payload, acknowledge) {
      // Without an acknowledgement it may overtake a will that waits for ours.
      if (topic === UPTIME) return presence.uptime(Number.parseInt(payload.toString(), 10));
      if (held !== undefined) {
        const isWill = topic === `devices/${held.signal.deviceUid}/status`;
        if (isWill) ofDevice(topic, payload, acknowledge);
        release();
        if (isWill) return;
      }
      if (topic === SIGNALS) signalled(parseSignal(payload.toString()), acknowledge);
      else if (SUBSCRIPTIONS.includes(topic)) signalled(parseSubscription(payload.toString()), acknowledge);
      else if (topic === FORGET_TOPIC) {
        identities.forget(payload.toString());
        acknowledge();
      } else if (topic === nudgeTopic) acknowledge();
      else ofDevice(topic, payload, acknowledge);
    },
    connected() {
      if (held !== undefined) nudge(nudgeTopic);
    },
    lost: presence.lost,
    end: release,
  };
}
