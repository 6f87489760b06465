import type { Component } from '#kernel/lifecycle.ts';
import type { Logger } from '#kernel/logger.ts';
import type { MqttAccounts, MqttBroker, MqttHandler } from '#platform/mqtt/mqtt.port.ts';
import type { Shares } from '#platform/shares/shares.port.ts';
import type { Settings } from '../settings.ts';

export interface BrokerProfile {
  /** The broker's own logins; null: it asks at each. */
  readonly accounts: MqttAccounts | null;
  /** Started before the broker is created into the start order. */
  readonly components: readonly Component[];
  /** Whether devices can still be connected when this process starts. */
  readonly sessionsSurviveRestart: boolean;
  create(handler: MqttHandler, maxPayloadBytes: number): MqttBroker;
}

/** The MQTT broker: a Mosquitto, or one inside this process. */
export async function createBrokerProfile(settings: Settings, shares: Shares, logger: Logger): Promise<BrokerProfile> {
  const mqttLogger = logger.child({ component: 'mqtt' });
  return settings.MQTT_URL === null
    ? await embeddedBroker(settings, mqttLogger)
    : await mosquitto(settings.MQTT_URL, settings, shares, mqttLogger);
}

/** The broker's own logins alone, for a command that makes devices and takes no messages. */
export async function createBrokerLogins(
  { MQTT_URL: url }: Settings,
  logger: Logger,
): Promise<Pick<BrokerProfile, 'accounts' | 'components'>> {
  if (url === null) return { accounts: null, components: [] };
  const { createMosquittoControl } = await import('#platform/mqtt/mosquitto/control.ts');
  const { createMosquittoAccounts } = await import('#platform/mqtt/mosquitto/accounts.ts');
  const control = createMosquittoControl({ url, logger });
  return { accounts: createMosquittoAccounts(control), components: [control] };
}

async function mosquitto(url: string, settings: Settings, shares: Shares, logger: Logger): Promise<BrokerProfile> {
  const { createMosquittoControl } = await import('#platform/mqtt/mosquitto/control.ts');
  const { createMosquittoAccounts } = await import('#platform/mqtt/mosquitto/accounts.ts');
  const { createMosquittoBroker } = await import('#platform/mqtt/mosquitto/mosquitto.ts');
  const control = createMosquittoControl({ url, logger });
  return {
    accounts: createMosquittoAccounts(control),
    components: [control],
    sessionsSurviveRestart: true,
    create: (handler) =>
      createMosquittoBroker({
        control,
        handler,
        logger,
        shares,
        sessionCount: settings.MQTT_RECEIVERS,
        deviceAddresses: [settings.MQTT_PUBLIC_URL ?? withoutLogin(url)],
      }),
  };
}

async function embeddedBroker(settings: Settings, logger: Logger): Promise<BrokerProfile> {
  const { createAedesBroker } = await import('#platform/mqtt/aedes/aedes.ts');
  return {
    accounts: null,
    components: [],
    sessionsSurviveRestart: false,
    create: (handler, maxPayloadBytes) =>
      createAedesBroker({
        host: settings.MQTT_HOST,
        port: settings.MQTT_PORT,
        wsPort: settings.MQTT_WS_PORT,
        tls: tlsOf(settings),
        handler,
        logger,
        limits: { maxPayloadBytes, admission: { connections: settings.MQTT_MAX_CONNECTIONS } },
      }),
  };
}

function withoutLogin(url: string): string {
  const { protocol, host } = new URL(url);
  return `${protocol}//${host}`;
}

function tlsOf(settings: Settings) {
  const { MQTT_TLS_PORT: port, MQTT_TLS_CERT_FILE: certFile, MQTT_TLS_KEY_FILE: keyFile } = settings;
  return port === null || certFile === null || keyFile === null ? null : { port, certFile, keyFile };
}
