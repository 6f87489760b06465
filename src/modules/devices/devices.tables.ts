import type { Generated } from 'kysely';
import type { DeviceStatus, StatusSource } from './devices.ports.ts';

/** The module's tables, for its repositories. */
export interface DeviceTables {
  device_groups: DeviceGroupsTable;
  devices: DevicesTable;
  device_transitions: DeviceTransitionsTable;
  device_roster: { id: number; revision: number; created_at: number; updated_at: number };
}

interface DeviceGroupsTable {
  id: Generated<number>;
  name: string;
  description: string | null;
  created_at: number;
  updated_at: number;
}

interface DevicesTable {
  id: Generated<number>;
  device_uid: string;
  active_device_uid: string | null;
  name: string;
  device_type: string;
  status: DeviceStatus;
  measured_status: DeviceStatus | null;
  firmware_version: string | null;
  ip_address: string | null;
  reported_ip_address: string | null;
  group_id: number | null;
  owner_id: number | null;
  secret_hash: string;
  last_seen_at: number | null;
  inactivity_seconds: number | null;
  metadata: string;
  revision: number;
  created_at: number;
  updated_at: number;
  deleted_at: number | null;
}

interface DeviceTransitionsTable {
  id: string;
  device_id: number;
  device_uid: string;
  from_status: DeviceStatus;
  to_status: DeviceStatus;
  source: StatusSource;
  at: number;
  created_at: number;
}

/** The columns of a `DeviceRecord`, named as its fields, so that a row is one without being copied. */
export const DEVICE_COLUMNS = [
  'id',
  'device_uid as deviceUid',
  'name',
  'device_type as deviceType',
  'status',
  'measured_status as measuredStatus',
  'firmware_version as firmwareVersion',
  'ip_address as ipAddress',
  'reported_ip_address as reportedIpAddress',
  'group_id as groupId',
  'owner_id as ownerId',
  'last_seen_at as lastSeenAt',
  'inactivity_seconds as inactivitySeconds',
  'metadata',
  'created_at as createdAt',
  'updated_at as updatedAt',
] as const;
