import type { Component } from '#kernel/lifecycle.ts';

/**
 * What the system needs of an MQTT broker, embedded or external. Devices log in with their `device_uid`
 * and secret; every topic that matters is `devices/{device_uid}/{channel}`.
 */
export interface MqttBroker extends Component {
  /**
   * Sends to devices. Resolves when the broker has accepted it: handed to connected subscribers, kept for
   * persistent sessions (QoS 1) and as the retained message.
   * @throws AppError `unavailable`
   */
  publish(message: OutgoingMessage): Promise<void>;
  /** Ends every session of a device at once, e.g. after its secret was rotated. Resolves when it is cut. */
  disconnect(deviceUid: string): Promise<void>;
  /** Addresses on which devices can connect, for the start message: `mqtt://127.0.0.1:1883`. */
  addresses(): readonly string[];
}

export interface OutgoingMessage {
  readonly topic: string;
  readonly payload: string | Buffer;
  readonly qos: 0 | 1;
  readonly retain?: boolean;
}

/** What the broker asks of, and tells, the system. Implemented by the modules, wired in the composition root. */
export interface MqttHandler {
  /**
   * Is this device who it says it is?
   * @returns the session's device, or null to refuse the connection (CONNACK 5)
   */
  authenticate(deviceUid: string, secret: string): Promise<MqttDevice | null>;
  /** The device has a session now. Called once a session; a take-over by a new session disconnects the old one first. */
  connected(device: MqttDevice, info: { readonly ipAddress: string | null }): void;
  /** The session is over: DISCONNECT, a broken connection or a missed keep-alive. A Last Will is published first. */
  disconnected(device: MqttDevice): void;
  /**
   * A message of a device on one of its own channels. `acknowledge` is called exactly once, after the
   * message has been dealt with for good (stored, merged or counted as rejected): only then does the PUBACK
   * leave, and only then is more read from this connection. Never throws, allocates no promise.
   */
  message(message: IncomingMessage, acknowledge: () => void): void;
  /** A publish or subscribe that the topic rules refuse. The connection is closed after it. */
  refused(device: MqttDevice, reason: 'topic' | 'payload_too_large'): void;
}

export interface MqttDevice {
  readonly deviceId: number;
  readonly deviceUid: string;
}

/** What a device may send. Everything else is refused. */
export const DEVICE_CHANNELS = ['telemetry', 'status', 'log', 'response'] as const;
export type DeviceChannel = (typeof DEVICE_CHANNELS)[number];

/** What a device may subscribe to, as `devices/{its uid}/{channel}`. */
export const SERVER_CHANNELS = ['command', 'config', 'ota'] as const;
export type ServerChannel = (typeof SERVER_CHANNELS)[number];

export interface IncomingMessage {
  readonly device: MqttDevice;
  readonly channel: DeviceChannel;
  readonly payload: Buffer;
}
