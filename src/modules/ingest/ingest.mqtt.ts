import type { DevicesApi } from '#modules/devices/index.ts';
import type { MqttHandler } from '#platform/mqtt/mqtt.port.ts';
import type { IngestPipeline } from './ingest.pipeline.ts';

/** The MQTT edge: who a device is, and where its messages and its coming and going are taken. */
export function createIngestMqttHandler(
  devices: Pick<DevicesApi, 'authenticate' | 'identify' | 'findByUid' | 'findClaim' | 'provision'>,
  pipeline: IngestPipeline,
): MqttHandler {
  return {
    async authenticate(identity, { ipAddress }) {
      if (identity.kind === 'secret') return await devices.authenticate(identity.username, identity.secret);
      const origin = originOf(ipAddress);
      if (identity.kind === 'certificate') {
        return await devices.identify(identity.certificate, identity.username, origin);
      }
      const claim = await devices.findClaim(identity.token, origin);
      return claim !== null && 'refused' in claim ? { ...claim, deviceUid: null } : claim;
    },
    provision: (token, payload, { ipAddress }) => devices.provision(token, payload, originOf(ipAddress)),
    identify: (deviceUid) => devices.findByUid(deviceUid),
    connected: (device, { ipAddress }) => pipeline.connection(device, { isConnected: true, ipAddress, by: 'device' }),
    disconnected: (device, by) => pipeline.connection(device, { isConnected: false, ipAddress: null, by }),
    message: pipeline.receive,
    refused: (device, reason, acknowledge) =>
      pipeline.refused(device, reason === 'topic' ? 'forbidden_topic' : reason, acknowledge),
  };
}

function originOf(ipAddress: string | null) {
  return { ip: ipAddress ?? 'unknown' };
}
