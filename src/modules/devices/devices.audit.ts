import type { Principal } from '#kernel/access.ts';
import { rename } from '#kernel/fields.ts';
import { type AuditEntry, changedFields } from '#platform/audit/audit.port.ts';
import { AUDITED_NAMES, type DeviceRecord } from './devices.fields.ts';
import type { NewDevice } from './devices.ports.ts';

export function deviceEntry(
  actor: Principal | null,
  action: string,
  deviceId: number,
  details: Readonly<Record<string, unknown>>,
): AuditEntry {
  return { actor, action, resourceType: 'device', resourceId: String(deviceId), details };
}

export function auditedDevice(device: Pick<NewDevice, keyof typeof AUDITED_NAMES>) {
  return rename(device, AUDITED_NAMES);
}

/** Of metadata it says only that it changed. */
export function deviceUpdateEntry(actor: Principal, before: DeviceRecord, after: DeviceRecord): AuditEntry {
  const values = (device: DeviceRecord) => ({ ...auditedDevice(device), status: device.status });
  return deviceEntry(actor, 'device.updated', after.id, {
    ...changedFields(values(before), values(after)),
    ...(before.metadata === after.metadata ? {} : { metadata_changed: true }),
  });
}
