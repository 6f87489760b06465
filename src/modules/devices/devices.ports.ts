import type { OneOrMore, Page, PageQuery, SortTerm } from '#kernel/pagination.ts';
import type { AuditWriter } from '#platform/audit/audit.port.ts';
import type { DeviceRecord, DeviceSettings, DeviceStatus } from './devices.fields.ts';

export { DEVICE_STATUSES, type DeviceRecord, type DeviceSettings, type DeviceStatus } from './devices.fields.ts';

/**
 * Who says so:
 * - `connection`: the broker saw a connect or a disconnect
 * - `message`: the device itself, on its status topic
 * - `health`: the job that looks for silent devices, and what brings those back
 * - `operator`: a person, who can hold a device in MAINTENANCE and let it go again
 * - `server`: the server ends all connections because it stops, or knows at its start that there are none
 */
export const STATUS_SOURCES = ['connection', 'message', 'operator', 'health', 'server'] as const;
export type StatusSource = (typeof STATUS_SOURCES)[number];

/** A change of the status that a device shows. */
export interface StatusTransition {
  /** Of its entry in the log of the device. */
  readonly id: string;
  readonly deviceId: number;
  readonly deviceUid: string;
  readonly from: DeviceStatus;
  readonly to: DeviceStatus;
  readonly at: number;
  readonly source: StatusSource;
}

/** After so long without a message by any channel a device counts as silent, unless it has a time of its own. */
export const DEFAULT_INACTIVITY_SECONDS = 600;

/** What other modules need to know to work with a device. */
export interface DeviceRef {
  readonly deviceId: number;
  readonly deviceUid: string;
  readonly ownerId: number | null;
}

/** With what its configuration depends on. */
export interface GroupedDeviceRef extends DeviceRef {
  readonly groupId: number | null;
}

/** What decides which rules of other modules are about a device. */
export interface DeviceFacts extends GroupedDeviceRef {
  readonly name: string;
  readonly deviceType: string;
  readonly createdAt: number;
  /** As the device reported it. */
  readonly firmwareVersion: string | null;
  /** IANA name; null: not known. */
  readonly timezone: string | null;
}

/** Every given field must match; none given means every device. */
export interface DeviceScope {
  readonly ownerId?: number;
  readonly deviceId?: number;
  readonly groupId?: number;
  readonly deviceType?: string;
}

/** Devices by what they are, for other modules. Deleted devices are not there. */
export interface DeviceDirectory {
  /** Those of `deviceIds` that exist, by id. Up to a few hundred at a time. */
  describe(deviceIds: readonly number[]): Promise<readonly DeviceFacts[]>;
  /** Those with an id above `afterId`, by id, `limit` at the most. */
  listInScope(scope: DeviceScope, afterId: number, limit: number): Promise<readonly DeviceFacts[]>;
  countInScope(scope: DeviceScope): Promise<number>;
  /**
   * Those that were made, moved to another group or deleted since `settleConfigs`, by id, `limit` at the most. It is known in
   * the transaction of the change, so that no end of a process loses it. Deleted ones, too.
   */
  listConfigsDue(limit: number): Promise<readonly { readonly deviceId: number; readonly deviceUid: string }[]>;
  /** How many `listConfigsDue` has in all. */
  countConfigsDue(): Promise<number>;
  groupExists(groupId: number): Promise<boolean>;
}

export interface DeviceCredentials {
  /** The device_uid. */
  readonly username: string;
  /** 256 random bits. Shown once, stored as a hash only. */
  readonly password: string;
}

export interface NewDevice extends DeviceSettings {
  readonly deviceUid: string;
  readonly secretHash: string;
}

/** Fields to set; an absent one stays. */
export type DeviceUpdate = Partial<DeviceSettings & Pick<DeviceRecord, 'status' | 'measuredStatus'>>;

export const DEVICE_SORT_FIELDS = [
  'id',
  'device_uid',
  'name',
  'device_type',
  'status',
  'last_seen_at',
  'created_at',
  'updated_at',
] as const;
export type DeviceSortField = (typeof DEVICE_SORT_FIELDS)[number];

/** Every given field must match; none given means every device. */
export interface DeviceFilter {
  readonly status?: OneOrMore<DeviceStatus>;
  readonly deviceType?: OneOrMore<string>;
  readonly groupId?: OneOrMore<number>;
  readonly ownerId?: OneOrMore<number>;
  /** Whether it has applied the configuration that it is to have: 1, or not: 0. */
  readonly configInSync?: 0 | 1;
  /** Contained in the name or the uid, whatever the case of ASCII letters. */
  readonly q?: string;
}

export interface DeviceListQuery extends Omit<PageQuery, 'sort'> {
  readonly filter: DeviceFilter;
  /** Only devices of this user; null: of everyone. Narrows `filter.ownerId`, never widens it. */
  readonly visibleTo: number | null;
  /** Ties are broken by id, in the direction of the last term. */
  readonly sort: readonly SortTerm<DeviceSortField>[];
}

/** Reads. Deleted devices are not there. */
export interface DeviceReader {
  findById(id: number): Promise<DeviceRecord | null>;
  findRef(id: number): Promise<GroupedDeviceRef | null>;
  findRefByUid(deviceUid: string): Promise<DeviceRef | null>;
  /** One look into a unique index. */
  findSecret(
    deviceUid: string,
  ): Promise<{ readonly id: number; readonly deviceUid: string; readonly secretHash: string } | null>;
  /** Those with an id above `afterId`, by id, `limit` at the most. */
  listAfter(afterId: number, limit: number): Promise<readonly DeviceRecord[]>;
  groupExists(groupId: number): Promise<boolean>;
}

/** Reads and writes of one unit of work. */
export interface DeviceWriter extends DeviceReader {
  /** @returns the id. @throws AppError `device_uid_taken`, `device_owner_unknown` */
  insert(device: NewDevice, at: number): Promise<number>;
  /** @throws AppError `device_owner_unknown` */
  update(id: number, changes: DeviceUpdate, at: number): Promise<void>;
  /** Notes a change of the status for the log of the device. */
  recordTransition(transition: Omit<StatusTransition, 'id'>, at: number): Promise<StatusTransition>;
  setSecret(id: number, secretHash: string, at: number): Promise<void>;
  /** Marks as deleted, frees the uid and forgets the secret. */
  remove(id: number, at: number): Promise<void>;
}

export interface DeviceStore extends DeviceReader {
  /** All of `work` or nothing is stored; on disk when it resolves. `work` awaits nothing but the two writers. */
  transaction<T>(work: (writer: DeviceWriter, audit: AuditWriter) => Promise<T>): Promise<T>;
}

/** The paged list, apart from the rest because it is what dashboards ask for all the time. */
export interface DeviceListing {
  /** The same object while the page is known to be as it was: what is made of it may be kept with it. */
  list(query: DeviceListQuery): Promise<Page<DeviceRecord>>;
}

/** What this module asks of the users. */
export interface UserDirectory {
  /** Whether there is such a user, who was not deleted. */
  exists(userId: number): Promise<boolean>;
}

/** Who may read a device: its owner and MANAGEMENT, or every signed-in user. */
export type UserDeviceScope = 'owned' | 'all';

/** Fields to change; an absent one stays. */
export interface DeviceChanges extends Partial<Omit<DeviceSettings, 'metadata'>> {
  /** Replaces the whole object. */
  readonly metadata?: Readonly<Record<string, unknown>>;
  /** MAINTENANCE holds the device there; any other value lets it show its measured status again. */
  readonly status?: DeviceStatus;
}
