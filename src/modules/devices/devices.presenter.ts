import { toIso, toIsoOrNull } from '#kernel/clock.ts';
import { rename, without } from '#kernel/fields.ts';
import type { Page } from '#kernel/pagination.ts';
import { DEVICE_NAMES, type DeviceRecord } from './devices.fields.ts';
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

const PLAIN = without(
  DEVICE_NAMES,
  'measuredStatus',
  'ipAddress',
  'reportedIpAddress',
  'lastSeenAt',
  'metadata',
  'createdAt',
  'updatedAt',
);

function present(device: DeviceRecord): DeviceView {
  return {
    ...rename(device, PLAIN),
    ip_address: device.reportedIpAddress ?? device.ipAddress,
    last_seen_at: toIsoOrNull(device.lastSeenAt),
    metadata: JSON.parse(device.metadata) as Readonly<Record<string, unknown>>,
    created_at: toIso(device.createdAt),
    updated_at: toIso(device.updatedAt),
  };
}
