import type { Component } from '#kernel/lifecycle.ts';

export { mqttErrors } from './mqtt.errors.ts';

/**
 * What the system needs of an MQTT broker, embedded or external, to take devices in; what is sent to them is
 * `MqttDownlink`. Devices log in with their `device_uid` and secret; every topic that matters is
 * `devices/{device_uid}/{channel}`.
 */
export interface MqttBroker extends Component {
  /**
   * Ends every session of a device at once, e.g. after its secret was rotated: also a login under way; what
   * it had sent and was not read yet is dropped, and so is its Last Will. Resolves when it is cut.
   * @param options.forget also drops what is kept for it: persistent sessions with their queues, and retained
   *   messages. For a device that was deleted, whose uid may be given to another one.
   * @param options.certificate ends only those that showed the certificate of this fingerprint, where the broker knows
   */
  disconnect(deviceUid: string, options?: { readonly forget?: boolean; readonly certificate?: string }): Promise<void>;
  /** Answers when messages can be taken. @throws AppError `unavailable` */
  ping(): Promise<void>;
  /** Addresses on which devices can connect, for the start message: `mqtt://127.0.0.1:1883`. */
  addresses(): readonly string[];
}

/**
 * What the broker asks of, and tells, the system. Implemented by the modules, wired in the composition root.
 * For one device, calls come in this order: `connected`, its messages, its Last Will, `disconnected`.
 */
export interface MqttHandler {
  /**
   * Who is it? The session belongs to the device that is answered, whatever user name the login has.
   * @returns the session's device, or the claim whose token it showed; null, or a reason, to refuse the connection
   *   (CONNACK 5)
   * @throws when it cannot be told now: the connection is refused with "server unavailable" (CONNACK 3)
   */
  authenticate(identity: LoginIdentity, from: LoginOrigin): Promise<MqttDevice | MqttClaim | LoginRefusal | null>;
  /**
   * Answers a request of a connection that has logged in with the token of a claim. What it is asked for is stored when this
   * resolves.
   * @param payload null: it was too large to be kept
   * @returns the payload of the answer, of a refusal too. Rejects only by a bug: the connection ends without an
   *   acknowledgement then
   */
  provision(token: string, payload: Uint8Array | null, from: LoginOrigin): Promise<string>;
  /**
   * Whose messages are these? Asked by a broker that lets devices in by accounts of its own, for the uid in a
   * topic; the answer is kept for a while. Never for a login.
   * @returns null: there is no such device (any more), its messages are dropped
   * @throws when it cannot be told now: asked again
   */
  identify(deviceUid: string): Promise<MqttDevice | null>;
  /**
   * The device is connected now. A device may have several connections, with different client ids; this is
   * called for the first of them, and `disconnected` after the last, so the two alternate; only after the Last Will
   * of one connection on the status channel, while others remain, is it called again. When a
   * connection takes over the client id of the only other one, `disconnected` comes first, then `connected`.
   */
  connected(device: MqttDevice, info: { readonly ipAddress: string | null }): void;
  /**
   * Its last connection is over: DISCONNECT, a broken connection or a missed keep-alive. A Last Will has been
   * handed to `message` before, unless the device said DISCONNECT, was cut or the broker is stopping.
   * @param by `server`: the device did nothing, the broker is stopping
   */
  disconnected(device: MqttDevice, by: 'device' | 'server'): void;
  /**
   * A message of a device on one of its own channels. `acknowledge` is called after the message has been
   * dealt with for good (stored, merged or counted as rejected): only then does the PUBACK or PUBREC leave.
   * A bounded number of messages is unacknowledged at a time, for a connection and for the broker as a
   * whole; a connection beyond that is not read. A payload a little over the limit is delivered too, so that it can
   * be counted; one that is so large that it was not kept is told by `refused`. A QoS 2 message arrives
   * once, whatever is sent again. Never throws, allocates no promise.
   */
  message(message: IncomingMessage, acknowledge: () => void): void;
  /**
   * A publish that the topic rules refuse, or that is too large: nothing of it is kept. `acknowledge` is called after
   * it has been counted, and answers it as for `message`: a client that got no answer would send it for ever. The
   * connection stays, unless the device goes on (100 foreign topics in a minute) or a payload is over 16 MiB. Or
   * a subscription or a Last Will that the topic rules refuse, which are answered at once.
   */
  refused(device: MqttDevice, reason: 'topic' | 'payload_too_large', acknowledge: () => void): void;
}

/**
 * The logins of devices at a broker that keeps its own. An embedded broker, and one that asks over HTTP,
 * keep none and need no adapter of this.
 */
export interface MqttAccounts {
  /**
   * Creates the device's login, with the rights to its own topics and nothing else, or gives it a new secret;
   * sessions under an older secret are ended. It holds when this resolves. Calls made together are sent together.
   * @param mark says which secret it is, and tells nothing of it; kept with the login in the same step
   * @throws AppError `unavailable`: it is not known whether the broker took it;
   *   `mqtt_account_foreign`: the broker has an account of this name that is no device's; it is left alone
   */
  set(deviceUid: string, secret: string, mark: string): Promise<void>;
  /**
   * Ends the login and its sessions; it holds when this resolves. A device without one is no error.
   * @param onlyOf leaves a login alone that has another mark by now
   * @returns whether there was one to end
   * @throws AppError `unavailable`
   */
  remove(deviceUid: string, onlyOf?: string): Promise<boolean>;
  /**
   * Every device that has a login, with the mark of its secret, or null where it has none; accounts that are no
   * device's are left out. Null: this broker keeps none.
   * @throws AppError `unavailable`
   */
  list(): Promise<ReadonlyMap<string, string | null> | null>;
}

/** With what a connection proves who it is. */
export type LoginIdentity =
  | { readonly kind: 'secret'; readonly username: string; readonly secret: string }
  /** Shown in a TLS handshake; the user name may be empty. There is no password, or it does not count here. */
  | { readonly kind: 'certificate'; readonly username: string; readonly certificate: ClientCertificate }
  /** Of a device that is yet to be registered: user name `claim`, the token as password. */
  | { readonly kind: 'claim'; readonly token: string };

export interface LoginOrigin {
  readonly ipAddress: string | null;
}

/** A login that is refused for a reason that people are to see, in the log and with the device. */
export interface LoginRefusal {
  /** `certificate_revoked` */
  readonly refused: string;
  /** Of which device it would have been; null: of none that can be told. */
  readonly deviceUid: string | null;
}

/** Whoever shows it has its private key. Nothing is known of who issued it, or whether it is still valid. */
export interface ClientCertificate {
  readonly der: Uint8Array;
  /** SHA-256 of the DER, hexadecimal in lower case. */
  readonly fingerprint: string;
}

export interface MqttDevice {
  readonly deviceId: number;
  readonly deviceUid: string;
}

/** Lets devices register themselves. Whoever logs in with its token is no device yet, and may do nothing but ask for one. */
export interface MqttClaim {
  readonly claimId: number;
}

/** Where devices connect. */
export interface BrokerAddress {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
}

/** All the ways to the broker, as seen from outside; null: this one is not offered, or nobody has said where it is. */
export interface BrokerAddresses {
  readonly host: string;
  readonly port: number | null;
  readonly tlsPort: number | null;
  readonly webSocketPort: number | null;
  /** Whether the TLS port takes none but devices with a certificate. */
  readonly tlsNeedsCertificate: boolean;
}

/** What a connection of a claim may publish and subscribe to; also with `/{reply id}`, see `REPLY_ID`. */
export const PROVISION_REQUEST = 'provision/request';
export const PROVISION_RESPONSE = 'provision/response';

/** Chosen at random by who asks: whoever subscribes with it reads the answer, on whatever connection of the same claim. */
export const REPLY_ID = /^[A-Za-z0-9_-]{16,64}$/;

/** What a uid looks like. Nothing else can be a user name or a level of a topic. */
export const DEVICE_UID = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;

/** What a device may subscribe to, as `devices/{its uid}/{channel}`; exact topics, no wildcards. */
export const SERVER_CHANNELS = ['command', 'config', 'ota'] as const;
export type ServerChannel = (typeof SERVER_CHANNELS)[number];

export interface IncomingMessage {
  readonly device: MqttDevice;
  /** One of those that the broker was made with. */
  readonly channel: string;
  readonly payload: Buffer;
}
