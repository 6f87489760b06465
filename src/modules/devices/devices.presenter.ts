import { toIso, toIsoOrNull } from '#kernel/clock.ts';
import type { Page } from '#kernel/pagination.ts';
import type { DeviceRecord } from './devices.ports.ts';
import type { DevicePage, DeviceView } from './devices.schemas.ts';

export type DevicePresenter = (device: DeviceRecord) => DeviceView;

/**
 * A device as the API shows it. Remembers the view of each record object for as long as that lives: the list
 * hands out the same object while a device is unchanged, and writing its instants and parsing its metadata
 * again costs more than finding the device.
 */
export function createDevicePresenter(): DevicePresenter {
  const views = new WeakMap<DeviceRecord, DeviceView>();
  return (device) => {
    let view = views.get(device);
    if (view === undefined) {
      view = present(device);
      views.set(device, view);
    }
    return view;
  };
}

/** The same view of a page that is the same object: then the edge need not serialise it again. */
export function createPagePresenter(present: DevicePresenter) {
  const views = new WeakMap<Page<DeviceRecord>, DevicePage>();
  return (page: Page<DeviceRecord>): DevicePage => {
    let view = views.get(page);
    if (view === undefined) {
      view = { ...page, items: page.items.map(present) };
      views.set(page, view);
    }
    return view;
  };
}

function present(device: DeviceRecord): DeviceView {
  return {
    id: device.id,
    device_uid: device.deviceUid,
    name: device.name,
    device_type: device.deviceType,
    status: device.status,
    firmware_version: device.firmwareVersion,
    ip_address: device.reportedIpAddress ?? device.ipAddress,
    group_id: device.groupId,
    owner_id: device.ownerId,
    last_seen_at: toIsoOrNull(device.lastSeenAt),
    inactivity_seconds: device.inactivitySeconds,
    metadata: JSON.parse(device.metadata) as Readonly<Record<string, unknown>>,
    created_at: toIso(device.createdAt),
    updated_at: toIso(device.updatedAt),
  };
}
