import type { DevicesApi } from '#modules/devices/index.ts';
import type { MqttHandler } from '#platform/mqtt/mqtt.port.ts';
import type { IngestPipeline } from './telemetry.pipeline.ts';

/** The MQTT edge: who a device is, and where its messages and its coming and going are taken. */
export function createTelemetryMqttHandler(
  devices: Pick<DevicesApi, 'authenticate' | 'findByUid'>,
  pipeline: IngestPipeline,
): MqttHandler {
  return {
    async authenticate(identity) {
      return identity.kind === 'secret' ? await devices.authenticate(identity.username, identity.secret) : null;
    },
    identify: (deviceUid) => devices.findByUid(deviceUid),
    connected: (device, { ipAddress }) => pipeline.connection(device, 'ONLINE', ipAddress, 'connection'),
    disconnected: (device, by) =>
      pipeline.connection(device, 'OFFLINE', null, by === 'server' ? 'server' : 'connection'),
    message: ({ device, channel, payload }, acknowledge) => pipeline.receive(device, channel, payload, acknowledge),
    refused: (device, reason, acknowledge) =>
      pipeline.refused(device, reason === 'topic' ? 'forbidden_topic' : reason, acknowledge),
  };
}
