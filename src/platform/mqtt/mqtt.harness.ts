import { connect as connectSocket, type Socket } from 'node:net';
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt';
import { vi } from 'vitest';
import { createEventBus, type DomainEvent, type EventBus } from '#kernel/events.ts';
import { silentLogger } from '#kernel/logger.ts';
import type { MqttDownlink, RetainedSource } from './downlink.port.ts';
import type {
  IncomingMessage,
  LoginIdentity,
  LoginRefusal,
  MqttBroker,
  MqttClaim,
  MqttDevice,
  MqttHandler,
} from './mqtt.port.ts';

/** What devices may publish in these tests. */
export const DEVICE_CHANNELS = ['telemetry', 'status', 'log', 'response'] as const;

/** How the contract suite gets a broker. One of these for each adapter. */
export interface MqttHarness {
  readonly name: string;
  readonly capabilities: MqttCapabilities;
  readonly maxPayloadBytes: number;
  /**
   * A broker that has not been started, with the devices `alpha` and `beta` (secret: `{uid}-secret`) known to the handler.
   * @param isRestart what the broker has of an earlier one stays, as for a process that is started again
   */
  create(handler: RecordingHandler, events: EventBus, isRestart: boolean): Promise<MqttTestBroker>;
}

export interface MqttTestBroker {
  readonly broker: MqttBroker;
  readonly downlink: MqttDownlink;
  /** Where devices connect; known once the broker was started. */
  port(): number;
  /** From now on this is the device's secret. */
  setSecret(deviceUid: string, secret: string): Promise<void>;
  /** The broker ends, loses what it retains, and is there again. */
  restartBroker(): Promise<void>;
  /** Ends what `create` made, and leaves the broker as it is. */
  leave(): Promise<void>;
  cleanUp(): Promise<void>;
}

/**
 * What a broker of ours does and one that stands between us and the devices cannot. What is false is said in
 * docs/operations.md; the tests about it are left out.
 */
export interface MqttCapabilities {
  /** The acknowledgement to the device waits for `acknowledge()`, and its connection is read slower. */
  readonly holdsAcknowledgements: boolean;
  /** `authenticate` is asked at each login, so a login under way can be cut. */
  readonly asksAtLogin: boolean;
  /** A foreign topic ends the connection, and the handler is told of refusals. Otherwise they come to nothing, silently. */
  readonly reportsRefusals: boolean;
  /** A device may have several connections. Otherwise its client id is its uid: a new connection ends the old one. */
  readonly severalConnections: boolean;
  /** `stop` ends the sessions of devices. */
  readonly endsSessionsOnStop: boolean;
}

export interface HeldMessage extends IncomingMessage {
  readonly acknowledge: () => void;
}

/** A handler that writes down what it is told, in order. */
export class RecordingHandler implements MqttHandler {
  readonly secrets = new Map([
    ['alpha', 'alpha-secret'],
    ['beta', 'beta-secret'],
  ]);
  /** Token of a claim → its id. */
  readonly claims = new Map<string, number>();
  /** Lets a test delay an answer to a request of a claim. */
  beforeProvision: () => Promise<void> = async () => {};
  /** E.g. `connected alpha`, `message alpha telemetry {"t":1}`, `refused alpha topic`, `disconnected alpha`. */
  readonly events: string[] = [];
  /** Messages, acknowledged or not. */
  readonly messages: HeldMessage[] = [];
  /** Acknowledgements of refusals that wait for the test. */
  readonly heldRefusals: (() => void)[] = [];
  lastIpAddress: string | null = null;
  /** Whether messages wait for the test to acknowledge them. */
  hold = false;
  /** Lets a test delay a login. */
  beforeAuthenticate: () => Promise<void> = async () => {};

  async authenticate(identity: LoginIdentity): Promise<MqttDevice | MqttClaim | LoginRefusal | null> {
    const claimId = identity.kind === 'claim' ? this.claims.get(identity.token) : undefined;
    if (claimId !== undefined) return { claimId };
    const known = identity.kind === 'secret' && this.secrets.get(identity.username) === identity.secret;
    await this.beforeAuthenticate();
    return known ? { deviceId: identity.username.length, deviceUid: identity.username } : null;
  }

  async provision(token: string, payload: Uint8Array | null): Promise<string> {
    const asked = payload === null ? 'too large' : Buffer.from(payload).toString();
    this.events.push(`provision ${asked}`);
    await this.beforeProvision();
    return JSON.stringify({ token, asked });
  }

  async identify(deviceUid: string): Promise<MqttDevice | null> {
    return this.secrets.has(deviceUid) ? { deviceId: deviceUid.length, deviceUid } : null;
  }

  connected(device: MqttDevice, { ipAddress }: { readonly ipAddress: string | null }): void {
    this.lastIpAddress = ipAddress;
    this.events.push(`connected ${device.deviceUid}`);
  }

  disconnected(device: MqttDevice): void {
    this.events.push(`disconnected ${device.deviceUid}`);
  }

  message(message: IncomingMessage, acknowledge: () => void): void {
    const { device, channel, payload } = message;
    this.events.push(`message ${device.deviceUid} ${channel} ${payload.length > 100 ? payload.length : payload}`);
    this.messages.push({ ...message, acknowledge });
    if (!this.hold) acknowledge();
  }

  refused(device: MqttDevice, reason: string, acknowledge: () => void): void {
    this.events.push(`refused ${device.deviceUid} ${reason}`);
    if (this.hold) this.heldRefusals.push(acknowledge);
    else acknowledge();
  }

  /** Comings, goings and status messages: what is told in the order in which it happened, whatever the broker. */
  get statusEvents(): readonly string[] {
    return this.events.filter((event) => /^(connected|disconnected) |^message \S+ status /.test(event));
  }

  /** Resolves when `event` has been recorded (`times` times). */
  async saw(event: string, times = 1): Promise<void> {
    await eventually(() => {
      if (this.events.filter((seen) => seen === event).length < times) {
        throw new Error(`waiting for "${event}", saw:\n${this.events.join('\n')}`);
      }
    });
  }
}

export function eventually(check: () => void | Promise<void>): Promise<void> {
  return vi.waitFor(check, { timeout: 8_000, interval: 5 });
}

export interface Received {
  readonly topic: string;
  readonly payload: string;
  readonly retain: boolean;
}

type ConnectionEvent = DomainEvent<'device.connected' | 'device.subscribed' | 'device.disconnected'>;

/** Owns what is retained on `config`. */
function createRetainedSource(retained: ReadonlyMap<string, string>): RetainedSource {
  return {
    payloadOf: async (deviceUid) => retained.get(deviceUid) ?? null,
    async *all() {
      for (const [deviceUid, payload] of retained) yield { deviceUid, payload };
    },
  };
}

/** A started broker with a recording handler and clients that are closed with it. */
export async function createRig(harness: MqttHarness) {
  const handler = new RecordingHandler();
  const events = createEventBus(silentLogger);
  const told: ConnectionEvent[] = [];
  for (const type of ['device.connected', 'device.subscribed', 'device.disconnected'] as const) {
    events.on(type, (event) => void told.push(event));
  }
  const retained = new Map<string, string>();
  let current: MqttTestBroker;

  async function start(isRestart: boolean): Promise<void> {
    current = await harness.create(handler, events, isRestart);
    current.downlink.supply('config', createRetainedSource(retained));
    await current.broker.start?.(AbortSignal.timeout(10_000));
  }
  await start(false);
  const port = () => current.port();
  const closing: (() => Promise<unknown> | unknown)[] = [];

  async function device(uid: string, options: IClientOptions = {}): Promise<MqttClient & { received: Received[] }> {
    const client = mqtt.connect(`mqtt://127.0.0.1:${port()}`, {
      username: uid,
      password: `${uid}-secret`,
      clientId: `client-of-${uid}`,
      reconnectPeriod: 0,
      ...options,
    });
    closing.push(() => client.endAsync(true));
    const received: Received[] = [];
    client.on('message', (topic, payload, packet) => {
      received.push({ topic, payload: payload.toString(), retain: packet.retain });
    });
    client.on('error', () => {});
    await new Promise<void>((resolve, reject) => {
      client.once('connect', () => resolve());
      client.once('error', reject);
      client.once('close', () => reject(new Error('closed before CONNACK')));
    });
    return Object.assign(client, { received });
  }

  return {
    handler,
    /** What was told of connections, in order. */
    told,
    /** `connected alpha`, `subscribed alpha config`, … of what was told. */
    get toldInShort(): readonly string[] {
      return told.map(({ type, data }) =>
        [type.slice('device.'.length), data.device_uid, ...('channels' in data ? data.channels : [])].join(' '),
      );
    },
    /** Resolves when `short` was told (`times` times). */
    async wasTold(short: string, times = 1): Promise<void> {
      await eventually(() => {
        const count = this.toldInShort.filter((one) => one === short).length;
        if (count < times) throw new Error(`waiting for "${short}", was told:\n${this.toldInShort.join('\n')}`);
      });
    },
    /** Device → what is to be retained on its `config`. */
    retained,
    get broker() {
      return current.broker;
    },
    get downlink() {
      return current.downlink;
    },
    port,
    setSecret: (deviceUid: string, secret: string) => current.setSecret(deviceUid, secret),
    restartBroker: () => current.restartBroker(),
    async restartServer(): Promise<void> {
      await current.broker.stop?.(AbortSignal.timeout(5_000));
      await current.leave();
      await start(true);
    },
    /** Connects with MQTT.js. Rejects with an error whose `code` is the CONNACK's return code. */
    device,
    /** Connects on the level of packets. */
    async raw(): Promise<RawClient> {
      const client = await RawClient.connect(port());
      closing.push(() => client.socket.destroy());
      return client;
    },
    async close(): Promise<void> {
      handler.hold = false;
      for (const message of handler.messages) message.acknowledge();
      await Promise.all(closing.map((close) => close()));
      await current.broker.stop?.(AbortSignal.timeout(5_000));
      await current.cleanUp();
      await current.leave();
    },
  };
}

export type MqttRig = Awaited<ReturnType<typeof createRig>>;

export interface RawConnect {
  readonly secret?: string;
  /** Byte 8 of MQTT 3.1.1 table 2.4, instead of what the rest makes of it. */
  readonly flags?: number;
  /** Between client id and user name: the Last Will. */
  readonly will?: Buffer;
  /** After everything. */
  readonly trailing?: Buffer;
  readonly uid?: string;
  readonly clientId?: string | Buffer;
  readonly level?: number;
  readonly keepAlive?: number;
  /** Default true. */
  readonly clean?: boolean;
}

/** MQTT 3.1.1 packets as bytes, also wrong ones. */
export const packets = {
  connect({
    uid = 'alpha',
    clientId = `raw-${uid}`,
    level = 4,
    keepAlive = 0,
    clean = true,
    ...more
  }: RawConnect = {}) {
    const flags = more.flags ?? (clean ? 0xc2 : 0xc0);
    const head = Buffer.from([level, flags, keepAlive >> 8, keepAlive & 0xff]);
    const { will = Buffer.alloc(0), trailing = Buffer.alloc(0) } = more;
    const login = [text(uid), text(more.secret ?? `${uid}-secret`)];
    return packet(0x10, Buffer.concat([text('MQTT'), head, text(clientId), will, ...login, trailing]));
  },
  publish(
    topic: string | Buffer,
    payload: string | Buffer,
    { qos = 1, messageId = 1, dup = false, retain = false } = {},
  ) {
    const id = qos === 0 ? Buffer.alloc(0) : Buffer.from([messageId >> 8, messageId & 0xff]);
    const first = 0x30 | (dup ? 8 : 0) | (qos << 1) | (retain ? 1 : 0);
    return packet(first, Buffer.concat([text(topic), id, Buffer.from(payload as string)]));
  },
  subscribe: (topic: string | Buffer, qos = 1, messageId = 1) =>
    packet(0x82, Buffer.concat([Buffer.from([messageId >> 8, messageId & 0xff]), text(topic), Buffer.from([qos])])),
  puback: (messageId: number) => Buffer.from([0x40, 2, messageId >> 8, messageId & 0xff]),
  unsubscribe: (topic: string | Buffer, messageId = 1) =>
    packet(0xa2, Buffer.concat([Buffer.from([messageId >> 8, messageId & 0xff]), text(topic)])),
  pubrel: (messageId: number) => Buffer.from([0x62, 2, messageId >> 8, messageId & 0xff]),
  ping: () => Buffer.from([0xc0, 0]),
  disconnect: () => Buffer.from([0xe0, 0]),
};

export function packet(first: number, body: Buffer): Buffer {
  return Buffer.concat([Buffer.from([first, ...varint(body.length)]), body]);
}

export function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  do {
    bytes.push((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
    rest >>= 7;
  } while (rest > 0);
  return bytes;
}

/** Bytes with their length before them. */
export function text(value: string | Buffer): Buffer {
  const bytes = Buffer.from(value as string);
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 0xff]), bytes]);
}

/** A socket that speaks packets. */
export class RawClient {
  readonly socket: Socket;
  /** Packets of the server that are short (under 128 bytes), as hex: `40020001` is the PUBACK of message 1. */
  readonly received: string[] = [];
  closed = false;
  #rest: Buffer = Buffer.alloc(0);

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('error', () => {});
    socket.on('close', () => {
      this.closed = true;
    });
    socket.on('data', (chunk: Buffer) => {
      this.#rest = Buffer.concat([this.#rest, chunk]);
      for (;;) {
        const end = 2 + (this.#rest[1] ?? Number.POSITIVE_INFINITY);
        if (this.#rest.length < end) return;
        this.received.push(this.#rest.subarray(0, end).toString('hex'));
        this.#rest = this.#rest.subarray(end);
      }
    });
  }

  static connect(port: number): Promise<RawClient> {
    return new Promise((resolve, reject) => {
      const socket = connectSocket(port, '127.0.0.1', () => resolve(new RawClient(socket)));
      socket.once('error', reject);
    });
  }

  send(...bytes: Buffer[]): this {
    this.socket.write(Buffer.concat(bytes));
    return this;
  }

  async logIn(options: RawConnect = {}): Promise<this> {
    await this.send(packets.connect(options)).got('20020000');
    return this;
  }

  async got(hex: string, times = 1): Promise<void> {
    await eventually(() => {
      const seen = this.received.filter((other) => other === hex).length;
      if (seen < times) throw new Error(`waiting for ${hex}, got: ${this.received.join(' ') || 'nothing'}`);
    });
  }

  /** Resolves when everything that was sent so far has been dealt with, as far as it will. */
  async roundTrip(): Promise<void> {
    const before = this.received.filter((hex) => hex === 'd000').length;
    await this.send(packets.ping()).got('d000', before + 1);
  }

  async ended(): Promise<void> {
    await eventually(() => {
      if (!this.closed) throw new Error('waiting for the connection to be closed');
    });
  }
}
