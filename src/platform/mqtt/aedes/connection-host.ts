import type { InFlight } from '../in-flight.ts';
import type { MqttDevice } from '../mqtt.port.ts';
import type { Claimant } from './claimants.ts';
import type { QosTwoState } from './session-store.ts';
import type { Topics } from './topics.ts';

/** What the broker does for its connections. */
export interface ConnectionHost<Connection> {
  readonly maxPacketBytes: number;
  /** From accepting the connection to a verified login, in milliseconds. */
  readonly loginTimeoutMs: number;
  readonly inFlight: InFlight;
  /** It has sent a CONNECT; its packets can be read from now on. */
  connecting(connection: Connection): void;
  /** Takes what is published on a topic that the login may publish to. */
  message(login: Login, channel: string, payload: Buffer, acknowledge: () => void): void;
  refused(login: Login, reason: 'topic' | 'payload_too_large', acknowledge: () => void): void;
  /** Called once, when the connection is over, whoever ended it. */
  closed(connection: Connection): void;
  /** Why a connection is about to be ended by us; for the log. */
  failed(connection: Connection, reason: string, error?: unknown): void;
}

/** What a connection is once it has proven who it is: a device, or somebody with a claim who wants to be one. */
export type Login = DeviceLogin | ClaimLogin;

export interface DeviceLogin extends Session {
  readonly device: MqttDevice;
}

export interface ClaimLogin extends Session {
  readonly device: null;
  readonly claimant: Claimant;
}

interface Session {
  /** `{device_uid}:{client id}` */
  readonly clientId: string;
  readonly topics: Topics;
  readonly qosTwo: QosTwoState;
  /** Whether the session was there before. */
  readonly sessionPresent: boolean;
  /** Taken away when it must not be delivered any more. */
  will: { readonly channel: string; readonly payload: Buffer } | null;
  /** Milliseconds without a packet after which the connection is ended; 0: never. */
  readonly keepAliveMs: number;
}
