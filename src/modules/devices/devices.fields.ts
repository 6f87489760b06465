import { without } from '#kernel/fields.ts';

export const DEVICE_STATUSES = ['ONLINE', 'OFFLINE', 'MAINTENANCE', 'ERROR'] as const;
export type DeviceStatus = (typeof DEVICE_STATUSES)[number];

/** What people say of a device. To add a field: here, in `settings` of devices.schemas.ts, and a migration. */
export interface DeviceSettings {
  readonly name: string;
  readonly deviceType: string;
  readonly groupId: number | null;
  readonly ownerId: number | null;
  /** After how many seconds without a message it counts as silent; null: as every device. */
  readonly inactivitySeconds: number | null;
  /** Where it stands: IANA name; null: not known. */
  readonly timezone: string | null;
  /** A JSON object as text. */
  readonly metadata: string;
}

/** A device as stored. Instants are epoch milliseconds. Records may be shared: never change one. */
export interface DeviceRecord extends DeviceSettings {
  readonly id: number;
  readonly deviceUid: string;
  readonly status: DeviceStatus;
  /** While an operator holds the device in MAINTENANCE: the status it would have. Otherwise null. */
  readonly measuredStatus: DeviceStatus | null;
  readonly firmwareVersion: string | null;
  /** Of its latest connection. */
  readonly ipAddress: string | null;
  /** The one that it says it has, which is shown rather than that of its connection. */
  readonly reportedIpAddress: string | null;
  readonly lastSeenAt: number | null;
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** Field → column, which is also the property of the API. */
export const SETTING_NAMES = {
  name: 'name',
  deviceType: 'device_type',
  groupId: 'group_id',
  ownerId: 'owner_id',
  inactivitySeconds: 'inactivity_seconds',
  timezone: 'timezone',
  metadata: 'metadata',
} as const satisfies Record<keyof DeviceSettings, string>;

/** In the order in which an export shows them. */
export const DEVICE_NAMES = {
  id: 'id',
  deviceUid: 'device_uid',
  ...SETTING_NAMES,
  status: 'status',
  measuredStatus: 'measured_status',
  firmwareVersion: 'firmware_version',
  ipAddress: 'ip_address',
  reportedIpAddress: 'reported_ip_address',
  lastSeenAt: 'last_seen_at',
  createdAt: 'created_at',
  updatedAt: 'updated_at',
} as const satisfies Record<keyof DeviceRecord, string>;

/** Without the metadata: it is free text of any size, which may hold what no audit trail should. */
export const AUDITED_NAMES = { deviceUid: 'device_uid', ...without(SETTING_NAMES, 'metadata') } as const;
