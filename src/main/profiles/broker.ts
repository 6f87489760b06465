import type { Logger } from '#kernel/logger.ts';
import type { MqttBroker, MqttHandler } from '#platform/mqtt/mqtt.port.ts';
import type { Settings } from '../settings.ts';

export interface BrokerProfile {
  readonly sessionsSurviveRestart: boolean;
  create(handler: MqttHandler, maxPayloadBytes: number): MqttBroker;
}

/** The MQTT broker: inside this process. */
export async function createBrokerProfile(settings: Settings, logger: Logger): Promise<BrokerProfile> {
  const { createAedesBroker } = await import('#platform/mqtt/aedes/aedes.ts');
  return {
    sessionsSurviveRestart: false,
    create: (handler, maxPayloadBytes) =>
      createAedesBroker({
        host: settings.MQTT_HOST,
        port: settings.MQTT_PORT,
        wsPort: settings.MQTT_WS_PORT,
        tls: tlsOf(settings),
        handler,
        logger: logger.child({ component: 'mqtt' }),
        limits: { maxPayloadBytes },
      }),
  };
}

function tlsOf(settings: Settings) {
  const { MQTT_TLS_PORT: port, MQTT_TLS_CERT_FILE: certFile, MQTT_TLS_KEY_FILE: keyFile } = settings;
  return port === null || certFile === null || keyFile === null ? null : { port, certFile, keyFile };
}
