import type { Principal } from '#kernel/access.ts';
import type { MqttDownlink } from '#platform/mqtt/downlink.port.ts';
import { deviceEntry } from '../devices.audit.ts';
import type { DeviceRef, DeviceStore } from '../devices.ports.ts';
import type { DeviceConnections } from './connections.ports.ts';

export interface ConnectionsServiceDeps {
  readonly store: Pick<DeviceStore, 'transaction'>;
  readonly devices: { getVisible(principal: Principal, deviceId: number): Promise<DeviceRef> };
  readonly downlink: Pick<MqttDownlink, 'capabilities' | 'connections' | 'refusals' | 'disconnect'>;
}

export type ConnectionsService = ReturnType<typeof createConnectionsService>;

/** How devices are connected by MQTT. */
export function createConnectionsService({ store, devices, downlink }: ConnectionsServiceDeps) {
  return {
    /** @throws AppError `device_not_found`, also when the principal may not see it */
    async get(principal: Principal, deviceId: number): Promise<DeviceConnections> {
      const { deviceUid } = await devices.getVisible(principal, deviceId);
      return {
        ...downlink.connections(deviceUid),
        refusals: downlink.refusals(deviceUid),
        reportsRefusals: downlink.capabilities.reportsRefusals,
      };
    },

    /**
     * Ends the connections of the device, which may come back at once. One that has none is no error.
     * @throws AppError `device_not_found`, `unavailable`: it is not known whether they were ended
     */
    async disconnect(principal: Principal, deviceId: number): Promise<void> {
      const { deviceUid } = await devices.getVisible(principal, deviceId);
      // Before it is done: an end that nobody answers for would be worse than an entry for one that failed.
      await store.transaction((_writer, audit) =>
        audit.record(deviceEntry(principal, 'device.disconnected', deviceId, { device_uid: deviceUid })),
      );
      await downlink.disconnect(deviceUid);
    },
  };
}
