import type { Clock } from '#kernel/clock.ts';
import type { EventBus } from '#kernel/events.ts';
import type { Component } from '#kernel/lifecycle.ts';
import type { Logger } from '#kernel/logger.ts';
import { TELEMETRY } from '#modules/ingest/index.ts';
import type { Channel } from '#platform/channels/channel.port.ts';
import type { Leases } from '#platform/leases/leases.port.ts';
import type { AedesBroker } from '#platform/mqtt/aedes/aedes.ts';
import type { MqttDownlink } from '#platform/mqtt/downlink.port.ts';
import type {
  BrokerAddress,
  BrokerAddresses,
  MqttAccounts,
  MqttBroker,
  MqttHandler,
} from '#platform/mqtt/mqtt.port.ts';
import type { Settings } from '../settings.ts';
import { brokerAddressesOf, brokerAddressOf } from './broker-address.ts';

export interface BrokerProfile {
  /** The broker's own logins; null: it asks at each. */
  readonly accounts: MqttAccounts | null;
  /** Started before the broker is created into the start order. */
  readonly components: readonly Component[];
  /** What goes to devices, and who is connected; there before the broker is, which serves it. */
  readonly downlink: MqttDownlink;
  /** What devices may publish: the last level of the topic. */
  readonly deviceChannels: readonly string[];
  /** Whether devices can still be connected when this process starts. */
  readonly sessionsSurviveRestart: boolean;
  /** Where a device is told to connect. @param hasCertificate whether it has one */
  readonly address: (hasCertificate: boolean) => BrokerAddress;
  /** Where people reach it who have just reached this server. @param askedAt the host under which they have */
  readonly addresses: (askedAt: string) => BrokerAddresses;
  create(handler: MqttHandler, maxPayloadBytes: number): MqttBroker;
}

interface BrokerRuntime {
  readonly events: EventBus;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The MQTT broker: a Mosquitto, or one inside this process. */
export async function createBrokerProfile(
  settings: Settings,
  channels: readonly Channel[],
  leases: Leases,
  { logger, ...runtime }: BrokerRuntime,
): Promise<BrokerProfile> {
  const deviceChannels = channelNames(channels);
  const mqttRuntime = { ...runtime, logger: logger.child({ component: 'mqtt' }) };
  return settings.MQTT_URL === null
    ? await embeddedBroker(settings, deviceChannels, mqttRuntime)
    : await mosquitto(settings.MQTT_URL, settings, deviceChannels, leases, mqttRuntime);
}

/** The broker's own logins alone, for a command that makes devices and takes no messages. */
export async function createBrokerLogins(
  { MQTT_URL: url }: Settings,
  channels: readonly Channel[],
  logger: Logger,
): Promise<Pick<BrokerProfile, 'accounts' | 'components'>> {
  if (url === null) return { accounts: null, components: [] };
  const { createMosquittoControl } = await import('#platform/mqtt/mosquitto/control.ts');
  const { createMosquittoAccounts } = await import('#platform/mqtt/mosquitto/accounts.ts');
  const control = createMosquittoControl({ url, logger });
  return { accounts: createMosquittoAccounts(control, channelNames(channels)), components: [control] };
}

async function mosquitto(
  url: string,
  settings: Settings,
  deviceChannels: readonly string[],
  leases: Leases,
  runtime: BrokerRuntime,
): Promise<BrokerProfile> {
  const { createMosquittoControl } = await import('#platform/mqtt/mosquitto/control.ts');
  const { createMosquittoAccounts } = await import('#platform/mqtt/mosquitto/accounts.ts');
  const { createMosquittoBroker } = await import('#platform/mqtt/mosquitto/mosquitto.ts');
  const { createMosquittoDownlink } = await import('#platform/mqtt/mosquitto/downlink.ts');
  const { logger } = runtime;
  const control = createMosquittoControl({ url, logger });
  const downlink = createMosquittoDownlink({ control, ...runtime });
  return {
    accounts: createMosquittoAccounts(control, deviceChannels),
    deviceChannels,
    components: [control],
    downlink: downlink.port,
    sessionsSurviveRestart: true,
    address: (hasCertificate) => brokerAddressOf(settings, hasCertificate),
    addresses: () => brokerAddressesOf(settings),
    create: (handler) =>
      createMosquittoBroker({
        control,
        downlink,
        handler,
        channels: deviceChannels,
        logger,
        leases,
        sessionCount: settings.MQTT_RECEIVERS,
        deviceAddresses: [settings.MQTT_PUBLIC_URL ?? withoutLogin(url)],
      }),
  };
}

async function embeddedBroker(
  settings: Settings,
  deviceChannels: readonly string[],
  runtime: BrokerRuntime,
): Promise<BrokerProfile> {
  const { createAedesBroker } = await import('#platform/mqtt/aedes/aedes.ts');
  const { createAedesDownlink } = await import('#platform/mqtt/aedes/downlink.ts');
  const downlink = createAedesDownlink(runtime);
  let broker: AedesBroker | undefined;
  return {
    accounts: null,
    deviceChannels,
    components: [],
    downlink: downlink.port,
    sessionsSurviveRestart: false,
    address: (hasCertificate) => brokerAddressOf(settings, hasCertificate, portsOf(broker)),
    addresses: (askedAt) => brokerAddressesOf(settings, portsOf(broker), askedAt),
    create(handler, maxPayloadBytes) {
      broker = createAedesBroker({
        host: settings.MQTT_HOST,
        port: settings.MQTT_PORT,
        wsPort: settings.MQTT_WS_PORT,
        tls: tlsOf(settings),
        handler,
        channels: deviceChannels,
        downlink: downlink.edge,
        logger: runtime.logger,
        limits: { maxPayloadBytes, admission: { connections: settings.MQTT_MAX_CONNECTIONS } },
      });
      return broker;
    },
  };
}

/** Null: it has not started, here or at all. */
function portsOf(broker: AedesBroker | undefined) {
  return broker === undefined || broker.addresses().length === 0 ? null : broker.ports();
}

/** The last level of the topics that devices may publish to. */
function channelNames(channels: readonly Channel[]): readonly string[] {
  return [TELEMETRY, ...channels.map(({ name }) => name)];
}

function withoutLogin(url: string): string {
  const { protocol, host } = new URL(url);
  return `${protocol}//${host}`;
}

function tlsOf(settings: Settings) {
  const { MQTT_TLS_PORT: port, MQTT_TLS_CERT_FILE: certFile, MQTT_TLS_KEY_FILE: keyFile } = settings;
  return port === null || certFile === null || keyFile === null
    ? null
    : { port, certFile, keyFile, clientCertificates: settings.MQTT_TLS_CLIENT_CERTS };
}
