import type { InFlight } from '../in-flight.ts';
import type { MqttDevice, MqttHandler } from '../mqtt.port.ts';
import type { DeviceLogin } from './connection-host.ts';
import type { DeviceConnection } from './device-connection.ts';

/** Connections of one device. The oldest gives way, so that a device is never locked out by its own remains. */
const MAX_CONNECTIONS_PER_DEVICE = 8;

interface Present {
  readonly device: MqttDevice;
  /** By client id, in the order of their coming. */
  readonly connections: Map<string, DeviceConnection>;
}

/** Which devices are connected over which connections, and what the handler is told of it. */
export function createPresence({
  handler,
  inFlight,
  isStopping,
}: {
  readonly handler: MqttHandler;
  readonly inFlight: InFlight;
  readonly isStopping: () => boolean;
}) {
  const devices = new Map<string, Present>();

  function deliverWill(device: MqttDevice, { channel, payload }: NonNullable<DeviceLogin['will']>): void {
    const { length } = payload;
    let acknowledged = false;
    const acknowledge = () => {
      if (acknowledged) return;
      acknowledged = true;
      inFlight.release(length);
    };
    inFlight.take(length);
    try {
      handler.message({ device, channel, payload }, acknowledge);
    } catch (error) {
      acknowledge();
      throw error;
    }
  }

  return {
    /** In one turn: the old connection of the client id goes, the new one comes. */
    enter(connection: DeviceConnection, login: DeviceLogin): void {
      const { device, clientId } = login;
      devices.get(device.deviceUid)?.connections.get(clientId)?.destroy();
      let entry = devices.get(device.deviceUid);
      if (entry !== undefined && entry.connections.size >= MAX_CONNECTIONS_PER_DEVICE) {
        const [oldest] = entry.connections.values();
        oldest?.destroy();
      }
      connection.authenticated(login);
      if (entry === undefined) {
        entry = { device, connections: new Map() };
        devices.set(device.deviceUid, entry);
      }
      entry.connections.set(clientId, connection);
      if (entry.connections.size === 1) handler.connected(device, { ipAddress: connection.origin.ipAddress });
    },

    /** It is over. */
    leave(connection: DeviceConnection, login: DeviceLogin): void {
      const { device, clientId, will } = login;
      const entry = devices.get(device.deviceUid);
      if (entry?.connections.get(clientId) !== connection) return;
      entry.connections.delete(clientId);
      try {
        if (will !== null && !isStopping()) deliverWill(device, will);
      } finally {
        if (entry.connections.size === 0) {
          devices.delete(device.deviceUid);
          handler.disconnected(device, isStopping() ? 'server' : 'device');
        } else if (will?.channel === 'status' && !isStopping()) {
          // The Last Will of a connection that died spoke for a device that is still here on another one.
          handler.connected(device, { ipAddress: [...entry.connections.values()].at(-1)?.origin.ipAddress ?? null });
        }
      }
    },
  };
}
