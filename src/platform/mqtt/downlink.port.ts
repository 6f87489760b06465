import type { EventOrigin } from '#kernel/events.ts';
import type { MqttDevice, ServerChannel } from './mqtt.port.ts';

/**
 * What goes from the server to devices, and who is there to get it. Nothing is queued for a device that is away: the
 * caller keeps what has to arrive, and sends it when `device.subscribed` says that somebody listens. So no message
 * comes twice because both the broker and its caller kept it.
 */
export interface MqttDownlink {
  readonly capabilities: DownlinkCapabilities;
  /**
   * Sends a message with QoS 1 to every connection of the device that is subscribed to the topic, in the order of the
   * calls for one connection.
   * @returns when it is handed over, one entry for each connection that listens; none: nobody does, and nothing was sent
   * @throws AppError `unavailable`: the broker is away, and it is not known whether it has the message
   */
  publish(message: DownlinkMessage): Promise<readonly DownlinkDelivery[]>;
  /**
   * Makes `payload` what the device has to have on this topic: sent now to who is subscribed, and again upon every new
   * subscription. Call it after the source of the channel answers with the new payload.
   * @throws AppError `unavailable`: not known; the source is asked again after the broker is back
   */
  retain(deviceUid: string, channel: ServerChannel, payload: string): Promise<void>;
  /** From now on a new subscription gets nothing. @throws AppError `unavailable` */
  clearRetained(deviceUid: string, channel: ServerChannel): Promise<void>;
  /**
   * Names who owns what is retained on a channel. Before the broker starts, once for a channel. The broker need not
   * keep it: whatever restarted, the source has it.
   */
  supply(channel: ServerChannel, source: RetainedSource): void;
  /** The connections of a device that this process knows of, oldest first. */
  connections(deviceUid: string): KnownConnections;
  /** Why connections and logins of this device were refused or ended lately, newest first; 10 at the most. */
  refusals(deviceUid: string): readonly DownlinkRefusal[];
  /** Ends every connection of the device; it may connect again at once. @throws AppError `unavailable` */
  disconnect(deviceUid: string): Promise<void>;
}

/**
 * Whether this process is to send what an event asks for: where any process can reach the broker, the one in which it
 * happened does; else each asks the connections that it holds.
 * @param origin of the event
 */
export function isSentHere({ capabilities }: Pick<MqttDownlink, 'capabilities'>, origin?: EventOrigin): boolean {
  return origin !== 'relay' || capabilities.sender === 'holder';
}

/** What brokers differ in. Callers ask these, never which broker it is. */
export interface DownlinkCapabilities {
  /** Whether the device's PUBACK is told, as `delivered`. Otherwise that the broker took it, as `unconfirmed`. */
  readonly reportsDelivery: boolean;
  /**
   * Which process can send to a device: the one that `holder` of its connection is, or `any`. In every case the events
   * about a device come in one process at a time, which is the one to send what waited for it.
   */
  readonly sender: 'holder' | 'any';
  /**
   * Whether the broker may, by itself, send again what was handed over: to a persistent session that comes back. The
   * device then has to recognise it, which it has to anyway when a connection ended before its PUBACK came.
   */
  readonly mayRepeat: boolean;
  /** Whether `refusals` is told anything. */
  readonly reportsRefusals: boolean;
  /** Bytes and messages that may wait for one connection; null: as the broker is set. */
  readonly queueLimit: { readonly messages: number; readonly bytes: number } | null;
}

export interface DownlinkMessage {
  readonly deviceUid: string;
  readonly channel: ServerChannel;
  readonly payload: string;
  /** Epoch milliseconds from which on it must not be sent any more. */
  readonly expiresAt?: number;
}

export interface DownlinkDelivery {
  /** Null: the broker has somebody who listens, and this process does not know who. */
  readonly connectionId: string | null;
  /** Never rejects. A device that neither answers nor ends its connection leaves it open. */
  readonly outcome: Promise<DownlinkOutcome>;
}

/**
 * - `delivered`: the device has acknowledged it
 * - `unconfirmed`: handed over, and nothing more will be known: subscribed with QoS 0, or `reportsDelivery` is false
 * - `gone`: the connection ended before; the device may have it or not
 * - `expired`: it waited for longer than it was valid, and was not sent
 * - `full`: too much waits for this connection (`queueLimit`); it was not sent
 */
export type DownlinkOutcome = 'delivered' | 'unconfirmed' | 'gone' | 'expired' | 'full';

/** The owner of what is retained on one channel. */
export interface RetainedSource {
  /** What the device has to have now; null: nothing. @throws when it cannot be told now: asked again */
  payloadOf(deviceUid: string): Promise<string | null>;
  /** Every device that has to have something, with it: for a broker that keeps copies and may have lost them. */
  all(): AsyncIterable<{ readonly deviceUid: string; readonly payload: string }>;
}

export interface KnownConnections {
  /** False: there may be others, which connected before this process could be told of them, or are told to another. */
  readonly isComplete: boolean;
  readonly connections: readonly DeviceConnectionInfo[];
}

export interface DeviceConnectionInfo {
  readonly connectionId: string;
  readonly device: MqttDevice;
  /** Version of MQTT. */
  readonly protocol: '3.1' | '3.1.1' | '5';
  /** Null: the broker does not say. */
  readonly transport: Transport | null;
  readonly ipAddress: string | null;
  /** Epoch milliseconds. */
  readonly connectedAt: number;
  /** What it is subscribed to. */
  readonly channels: readonly ServerChannel[];
}

export type Transport = 'tcp' | 'tls' | 'websocket';

export interface DownlinkRefusal {
  /** Epoch milliseconds. */
  readonly at: number;
  /** In the broker's words, such as `wrong_credentials`, `topic`, `keep_alive`, `packet_too_large`. */
  readonly reason: string;
  readonly ipAddress: string | null;
}

interface ConnectionEvent {
  readonly device_id: number;
  readonly device_uid: string;
  readonly connection_id: string;
}

declare module '#kernel/events.ts' {
  /**
   * For one connection in this order: connected, subscribed any number of times, disconnected. Apart from the status
   * that people see: a device that is held in MAINTENANCE connects too. In the process that is told; never relayed.
   */
  interface EventMap {
    'device.connected': ConnectionEvent & {
      readonly protocol: string;
      readonly transport: string | null;
      readonly ip_address: string | null;
    };
    /** What was not sent because nobody listened can be sent now. Also for subscriptions that a session had kept. */
    'device.subscribed': ConnectionEvent & { readonly channels: readonly ServerChannel[] };
    'device.disconnected': ConnectionEvent;
  }
}
