import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { Aedes, type AedesOptions, type AuthenticateError, type Client } from 'aedes';
import { commonErrors } from '#kernel/errors.ts';
import type { Logger } from '#kernel/logger.ts';
import { InFlight, MAX_IN_FLIGHT_BYTES } from '../in-flight.ts';
import {
  DEVICE_UID,
  type LoginIdentity,
  type MqttBroker,
  type MqttClaim,
  type MqttDevice,
  type MqttHandler,
  PROVISION_RESPONSE,
} from '../mqtt.port.ts';
import { Admission, type AdmissionLimits } from './admission.ts';
import { type ClaimantLimits, Claimants } from './claimants.ts';
import type { ConnectionHost } from './connection-host.ts';
import { DeviceConnection } from './device-connection.ts';
import type { DownlinkEdge } from './downlink.ts';
import { CLAIM, identityOf } from './identity.ts';
import { ipOf, type Listeners, type ListenOptions, listen, type Origin, type Ports } from './listeners.ts';
import { createPresence } from './presence.ts';
import { createRateLimitedLog } from './rate-limited-log.ts';
import { createSessionStore, newQosTwoState } from './session-store.ts';
import { CLAIM_TOPICS, deviceTopics, serverChannelsOf } from './topics.ts';

export interface AedesBrokerOptions extends ListenOptions {
  /** That devices may publish to: the last level of the topic. */
  readonly channels: readonly string[];
  readonly handler: MqttHandler;
  readonly downlink: DownlinkEdge;
  readonly logger: Logger;
  readonly limits: {
    /** Larger payloads are refused, and passed over without being kept. */
    readonly maxPayloadBytes: number;
    /** Unacknowledged messages of all connections together, in bytes. Default 64 MiB. */
    readonly maxInFlightBytes?: number;
    /** From accepting a connection to a verified login. Default 10 s. */
    readonly loginTimeoutMs?: number;
    readonly admission?: Partial<AdmissionLimits>;
    readonly claimants?: Partial<ClaimantLimits>;
  };
}

export interface AedesBroker extends MqttBroker {
  /** The ports that are listened on; null for what is not offered. @throws Error before `start` */
  ports(): Ports;
}

type Connect = Parameters<NonNullable<AedesOptions['preConnect']>>[1];

const TOPIC_BYTES = 256;
const LOGIN_TIMEOUT_MS = 10_000;
/** For what is in flight when the broker stops; what takes longer is sent again by its device. */
const DRAIN_MS = 4_000;
const ADMISSION: AdmissionLimits = { connections: 10_000, strangers: 1_000, strangersPerAddress: 500 };
const MAX_CLIENT_ID_LENGTH = 256;

/** CONNACK return codes, MQTT 3.1.1 table 3.1. */
const RETURN_CODE = { IDENTIFIER_REJECTED: 2, SERVER_UNAVAILABLE: 3, NOT_AUTHORIZED: 5 } as const;

/**
 * The embedded broker: Aedes for logins, sessions and subscriptions, with `DeviceConnection` in front of it for everything
 * that devices publish and everything that is sent to them. MQTT 3.1.1 (and 3.1) over TCP, TLS and WebSocket. Sessions
 * live in memory and end with the process.
 */
export function createAedesBroker(options: AedesBrokerOptions): AedesBroker {
  const { handler, downlink, logger, limits } = options;
  const connections = new Set<DeviceConnection>();
  const store = createSessionStore();
  const admission = new Admission({ ...ADMISSION, ...limits.admission });
  const note = createRateLimitedLog(logger);
  const inFlight = new InFlight(limits.maxInFlightBytes ?? MAX_IN_FLIGHT_BYTES);
  const maxPacketBytes = limits.maxPayloadBytes + TOPIC_BYTES;
  let running: { readonly aedes: Aedes; readonly listeners: Listeners } | undefined;
  let stopping = false;
  const presence = createPresence({ handler, inFlight, isStopping: () => stopping });
  const claimants = new Claimants(limits.claimants);

  const host: ConnectionHost<DeviceConnection> = {
    maxPacketBytes,
    loginTimeoutMs: limits.loginTimeoutMs ?? LOGIN_TIMEOUT_MS,
    inFlight,
    message(login, channel, payload, acknowledge) {
      if (login.device === null) login.claimant.ask(channel, payload, acknowledge);
      else handler.message({ device: login.device, channel, payload }, acknowledge);
    },
    connecting: (connection) => running?.aedes.handle(connection),
    refused(login, reason, acknowledge) {
      if (login.device !== null) {
        downlink.refused(login.device.deviceUid, reason, null);
        handler.refused(login.device, reason, acknowledge);
      } else if (reason === 'payload_too_large') login.claimant.ask(PROVISION_RESPONSE, null, acknowledge);
      else login.claimant.refuse(acknowledge);
    },
    failed(connection, reason, error) {
      const { ipAddress } = connection.origin;
      const deviceUid = connection.login?.device?.deviceUid ?? null;
      const fields = { ip: ipAddress, device_uid: deviceUid };
      downlink.refused(deviceUid ?? connection.claimedUid ?? '', reason, ipAddress);
      if (error === undefined) note(reason, fields);
      else logger.error({ ...fields, err: error }, 'MQTT connection failed by a bug');
    },
    closed(connection) {
      connections.delete(connection);
      const { login } = connection;
      if (login === null) return;
      if (login.device === null) return claimants.leave(login.claimant);
      try {
        presence.leave(connection, login);
      } catch (error) {
        host.failed(connection, 'internal_error', error);
      } finally {
        downlink.closed(connection, login.device.deviceUid);
      }
    },
  };

  /** Makes the client id the device's own, and keeps from Aedes what is dealt with here. */
  function prepare(connection: DeviceConnection, packet: Connect): PreparedConnect {
    const { username = '', clientId, will } = packet;
    const prepared = {
      username,
      ownClientId: clientId,
      clientId: clientId || randomUUID(),
      keepAliveMs: (packet.keepalive ?? 0) * 1_500,
      will: will === undefined ? null : { topic: Buffer.from(will.topic), payload: Buffer.from(will.payload) },
    };
    connection.claimedUid = username;
    packet.clientId = `${username}:${prepared.clientId}`;
    packet.keepalive = 0;
    delete packet.will;
    return prepared;
  }

  async function logIn(connection: DeviceConnection, client: Client, connect: PreparedConnect, password: Buffer) {
    const { ownClientId, will } = connect;
    const { certificate, transport } = connection.origin;
    const certificateRequired = transport === 'tls' && options.tls?.clientCertificates === 'required';
    const identity = identityOf(connect.username, password.toString(), { certificate, certificateRequired });
    if (identity === null) throw refusal(RETURN_CODE.NOT_AUTHORIZED, 'certificate_required');
    if (identity.kind === 'secret' && !DEVICE_UID.test(identity.username)) {
      throw refusal(RETURN_CODE.NOT_AUTHORIZED, 'no_such_device');
    }
    if ((ownClientId === '' && !client.clean) || ownClientId.length > MAX_CLIENT_ID_LENGTH) {
      throw refusal(RETURN_CODE.IDENTIFIER_REJECTED, 'client_id');
    }
    const device = await verify(identity, connection);
    if ('claimId' in device) return admitClaim(connection, client, connect, { ...device, token: password.toString() });
    const { deviceUid } = device;
    connection.claimedUid = deviceUid;
    client.id = `${deviceUid}:${connect.clientId}`;
    const topics = deviceTopics(deviceUid, options.channels);
    const willChannel = will === null ? null : topics.channelOf(will.topic, 0, will.topic.length);
    if (will !== null && willChannel === null) {
      handler.refused(device, 'topic', () => {});
      throw refusal(RETURN_CODE.NOT_AUTHORIZED, 'topic');
    }
    if (connection.destroyed || stopping) throw refusal(RETURN_CODE.SERVER_UNAVAILABLE, 'gone');
    const { id } = client;
    const sessionPresent = !client.clean && store.has(id);
    if (client.clean) store.drop(id);
    presence.enter(connection, {
      device,
      clientId: id,
      topics,
      sessionPresent,
      qosTwo: client.clean ? newQosTwoState() : store.open(id),
      will: will === null || willChannel === null ? null : { channel: willChannel, payload: will.payload },
      keepAliveMs: connect.keepAliveMs,
    });
    admission.admitted(connection.origin.peer);
  }

  /** It asks on this connection and is answered on it: it has no session, and nothing of it stays. */
  function admitClaim(
    connection: DeviceConnection,
    client: Client,
    { will, keepAliveMs }: PreparedConnect,
    { claimId, token }: MqttClaim & { readonly token: string },
  ): void {
    connection.claimedUid = null;
    if (will !== null) throw refusal(RETURN_CODE.NOT_AUTHORIZED, 'topic');
    if (connection.destroyed || stopping) throw refusal(RETURN_CODE.SERVER_UNAVAILABLE, 'gone');
    const { ipAddress } = connection.origin;
    const claimant = claimants.enter(claimId, connection, {
      answer: (payload) => handler.provision(token, payload, { ipAddress }),
      end(reason, error) {
        host.failed(connection, reason, error);
        connection.destroy();
      },
    });
    if (claimant === null) throw refusal(RETURN_CODE.SERVER_UNAVAILABLE, 'too_many_connections_of_claim');
    client.id = `${CLAIM}:${connection.id}`;
    const session = { clientId: client.id, topics: CLAIM_TOPICS, sessionPresent: false, qosTwo: newQosTwoState() };
    connection.authenticated({ device: null, claimant, ...session, will: null, keepAliveMs });
    admission.admitted(connection.origin.peer);
  }

  async function verify(identity: LoginIdentity, connection: DeviceConnection): Promise<MqttDevice | MqttClaim> {
    let device: Awaited<ReturnType<MqttHandler['authenticate']>>;
    try {
      device = await handler.authenticate(identity, { ipAddress: connection.origin.ipAddress });
    } catch (error) {
      const username = identity.kind === 'claim' ? null : identity.username;
      logger.warn({ err: error, device_uid: username, kind: identity.kind }, 'MQTT login could not be checked');
      throw refusal(RETURN_CODE.SERVER_UNAVAILABLE, 'login_unavailable');
    }
    if (device === null) throw refusal(RETURN_CODE.NOT_AUTHORIZED, 'wrong_credentials');
    if (!('refused' in device)) return device;
    connection.claimedUid = device.deviceUid ?? connection.claimedUid;
    throw refusal(RETURN_CODE.NOT_AUTHORIZED, device.refused);
  }

  async function createBroker(): Promise<Aedes> {
    const prepared = new WeakMap<Client, PreparedConnect>();
    const aedes = await Aedes.createBroker({
      persistence: store,
      // A device that reads slowly must not hold up messages for others.
      concurrency: 0,
      // Own timers, see DeviceConnection.
      connectTimeout: 10 * host.loginTimeoutMs,
      maxClientsIdLength: Number.MAX_SAFE_INTEGER,
      preConnect(client, packet, done) {
        prepared.set(client, prepare(connectionOf(client), packet));
        done(null, true);
      },
      authenticate(client, _username, password, done) {
        const connection = connectionOf(client);
        const connect = prepared.get(client);
        if (connect === undefined) return done(null, false);
        logIn(connection, client, connect, password ?? Buffer.alloc(0)).then(
          () => done(null, true),
          (error: AuthenticateError) => {
            host.failed(connection, error.message, 'returnCode' in error ? undefined : error);
            done('returnCode' in error ? error : refusal(RETURN_CODE.SERVER_UNAVAILABLE, 'internal_error'), false);
          },
        );
      },
      authorizeSubscribe(client, subscription, done) {
        const { login } = connectionOf(client);
        if (login?.topics.maySubscribe(subscription.topic)) return done(null, subscription);
        if (login) host.refused(login, 'topic', () => {});
        done(null, null);
      },
      // Everything to devices goes past Aedes, see `Outgoing`; should a message get here, it must not leak.
      authorizeForward: () => null,
      // Devices publish past Aedes; should a PUBLISH ever get here, it is a bug that must not leak.
      authorizePublish: (_client, _packet, done) => done(new Error('devices do not publish through Aedes')),
    });
    aedes.on('clientReady', (client) => opened(client, connectionOf(client)));
    aedes.on('subscribe', (subscriptions, client) => {
      const { login } = connectionOf(client);
      const granted = subscriptions.map(({ topic, qos }) => [topic, qos] as const).filter(([, qos]) => qos <= 2);
      if (login?.device === null) for (const each of granted) login.claimant.subscribed(...each);
      else if (login) downlink.subscribed(connectionOf(client), login.device.deviceUid, serverChannelsOf(granted));
    });
    aedes.on('unsubscribe', (topics, client) => {
      const { login } = connectionOf(client);
      const channels = [...serverChannelsOf(topics.map((topic) => [topic, 0] as const)).keys()];
      if (login?.device === null) login.claimant.unsubscribed(topics);
      else if (login) downlink.unsubscribed(connectionOf(client), login.device.deviceUid, channels);
    });
    aedes.on('clientError', (client, error) => debug(client, error));
    aedes.on('connectionError', (client, error) => debug(client, error));
    aedes.on('error' as 'closed', ((error: Error) => logger.error({ err: error }, 'MQTT broker error')) as () => void);
    return aedes;
  }

  function opened(client: Client, connection: DeviceConnection): void {
    const { login, origin } = connection;
    if (login === null || connection.destroyed) return;
    if (login.device === null) {
      connection.open();
      return;
    }
    const { device } = login;
    const { transport, ipAddress } = origin;
    const protocol = client.version === 3 ? '3.1' : '3.1.1';
    downlink.opened(connection, { connectionId: connection.id, device, protocol, transport, ipAddress });
    downlink.subscribed(connection, device.deviceUid, serverChannelsOf(store.subscriptionsOf(client)));
    connection.open();
  }

  function debug(client: Client, error: Error): void {
    logger.debug({ ip: connectionOf(client).origin.ipAddress, detail: error.message }, 'MQTT client error');
  }

  function arrived(peer: string, socket: Socket): void {
    const ip = ipOf(socket);
    const closed = admission.enter(peer, ip ?? '', () => socket.destroy());
    if (closed !== null) note(closed, { ip });
    socket.once('close', () => admission.leave(peer));
  }

  function accept(stream: Duplex, origin: Origin): void {
    if (stopping) {
      stream.destroy();
      return;
    }
    connections.add(new DeviceConnection(stream, origin, host));
  }

  return {
    name: 'mqtt',
    async start() {
      stopping = false;
      const aedes = await createBroker();
      try {
        const listeners = await listen(options, {
          arrived,
          accept,
          failed: (reason, error) => note(reason, { detail: error.message }),
        });
        running = { aedes, listeners };
      } catch (error) {
        aedes.close();
        throw error;
      }
    },
    async stop(signal) {
      if (running === undefined) return;
      const { aedes, listeners } = running;
      stopping = true;
      listeners.close();
      for (const connection of [...connections]) {
        connection.stopReading();
        // What waits there for a subscription would be waited for.
        if (connection.login?.device === null && connection.login.claimant.isIdle) connection.destroy();
      }
      await inFlight.idle(AbortSignal.any([signal, AbortSignal.timeout(DRAIN_MS)]));
      for (const connection of [...connections]) connection.destroy();
      running = undefined;
      await new Promise<void>((resolve) => aedes.close(resolve));
    },
    async disconnect(deviceUid, { forget = false, certificate } = {}) {
      for (const connection of [...connections]) {
        const isMeant =
          certificate === undefined
            ? connection.claimedUid === deviceUid
            : connection.origin.certificate?.fingerprint === certificate;
        if (isMeant) connection.cut();
      }
      if (forget) store.forget(deviceUid);
    },
    async ping() {
      if (running === undefined || stopping) throw commonErrors.unavailable();
    },
    addresses() {
      if (running === undefined) return [];
      const { mqtt, ws, tls } = running.listeners.ports;
      const name = options.host.includes(':') ? `[${options.host}]` : options.host;
      return [
        `mqtt://${name}:${mqtt}`,
        ...(tls === null ? [] : [`mqtts://${name}:${tls}`]),
        ...(ws === null ? [] : [`ws://${name}:${ws}`]),
      ];
    },
    ports() {
      if (running === undefined) throw new Error('the MQTT broker has not been started');
      return running.listeners.ports;
    },
  };
}

interface PreparedConnect {
  readonly username: string;
  readonly ownClientId: string;
  /** Made up where the device has none. */
  readonly clientId: string;
  readonly keepAliveMs: number;
  readonly will: { readonly topic: Buffer; readonly payload: Buffer } | null;
}

function connectionOf(client: Client): DeviceConnection {
  if (client.conn instanceof DeviceConnection) return client.conn;
  throw new Error('not a connection of this broker');
}

function refusal(returnCode: 2 | 3 | 5, reason: string): AuthenticateError {
  return Object.assign(new Error(reason), { returnCode: returnCode as AuthenticateError['returnCode'] });
}
