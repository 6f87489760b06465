import type { Principal } from '#kernel/access.ts';
import { type AuditEntry, changedFields } from '#platform/audit/audit.port.ts';
import type { DeviceRecord, NewDevice } from './devices.ports.ts';

export function deviceEntry(
  actor: Principal | null,
  action: string,
  deviceId: number,
  details: Readonly<Record<string, unknown>>,
): AuditEntry {
  return { actor, action, resourceType: 'device', resourceId: String(deviceId), details };
}

/** Without the metadata: it is free text of any size, which may hold what no audit trail should. */
export function auditedDevice(
  device: Pick<NewDevice, 'deviceUid' | 'name' | 'deviceType' | 'groupId' | 'ownerId' | 'inactivitySeconds'>,
) {
  return {
    device_uid: device.deviceUid,
    name: device.name,
    device_type: device.deviceType,
    group_id: device.groupId,
    owner_id: device.ownerId,
    inactivity_seconds: device.inactivitySeconds,
  };
}

/** Of metadata it says only that it changed. */
export function deviceUpdateEntry(actor: Principal, before: DeviceRecord, after: DeviceRecord): AuditEntry {
  const values = (device: DeviceRecord) => ({ ...auditedDevice(device), status: device.status });
  return deviceEntry(actor, 'device.updated', after.id, {
    ...changedFields(values(before), values(after)),
    ...(before.metadata === after.metadata ? {} : { metadata_changed: true }),
  });
}
