import type { Generated } from 'kysely';
import { type Renamed, selection } from '#kernel/fields.ts';
import { DEVICE_NAMES, type DeviceRecord, type DeviceStatus } from './devices.fields.ts';
import type { StatusSource } from './devices.ports.ts';

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

type DevicesTable = Omit<Renamed<DeviceRecord, typeof DEVICE_NAMES>, 'id'> & {
  id: Generated<number>;
  /** NULL once it is deleted: the uid is free then. */
  active_device_uid: string | null;
  secret_hash: string;
  revision: number;
  /** 0 or 1. */
  config_in_sync: Generated<number>;
  /** 1: made, moved or deleted since whoever keeps configurations has seen to it. */
  config_due: Generated<number>;
  deleted_at: number | null;
};

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
export const DEVICE_COLUMNS = selection(DEVICE_NAMES);
