import type { OneOrMore, PageQuery, SortTerm } from '#kernel/pagination.ts';
import type { AuditWriter } from '#platform/audit/audit.port.ts';
import type { Json } from './twin.rules.ts';

/** What is kept of the versions of a device; older ones are forgotten. */
export const MAX_VERSIONS = 100;

/** Who made a version: a person, the device itself, or a change of its group or of its membership. */
export type ChangedBy = 'user' | 'device' | 'group';

/** What a device said that it has. */
export interface Reported {
  /** The version that it has applied; null: it has not said. */
  readonly version: number | null;
  /** Null: it has not said. */
  readonly config: Json | null;
  /** Why it could not apply it. */
  readonly error: string | null;
  /** Epoch milliseconds. */
  readonly at: number;
}

/** The configuration of one device as it was stored last. Instants are epoch milliseconds. */
export interface StoredTwin {
  readonly deviceId: number;
  readonly deviceUid: string;
  /** 0: nothing was ever desired. Never falls, also when the device is deleted and made again. */
  readonly version: number;
  /** Its own. A null in it removes a default of the group. */
  readonly own: Json;
  /** What it has to have. */
  readonly effective: Json;
  /** Whose defaults are in it, of which version; null and 0: of none. */
  readonly groupId: number | null;
  readonly groupVersion: number;
  readonly updatedAt: number | null;
  readonly updatedBy: number | null;
  readonly reported: Reported | null;
  readonly isInSync: boolean;
}

/** The configuration of one device now. */
export interface Twin extends StoredTwin {
  /** With the present defaults of its group it would be too large: what it has to have is what it was before. */
  readonly isOverLimit: boolean;
}

/** The defaults of a group. */
export interface GroupConfig {
  readonly groupId: number;
  /** 0: nothing was ever set. */
  readonly version: number;
  readonly config: Json;
  readonly updatedAt: number | null;
  readonly updatedBy: number | null;
}

export interface TwinVersion {
  readonly version: number;
  readonly own: Json;
  readonly effective: Json;
  readonly changedBy: ChangedBy;
  readonly userId: number | null;
  readonly at: number;
}

/** A change of a group that its members get one after the other. */
export interface GroupWork {
  readonly groupId: number;
  readonly version: number;
  /** The last device that has it. */
  readonly afterId: number;
}

export const VERSION_SORT_FIELDS = ['version', 'created_at', 'changed_by'] as const;

export interface VersionListQuery extends Omit<PageQuery, 'sort'> {
  readonly filter: {
    readonly changedBy?: OneOrMore<ChangedBy>;
    /** Contained in the configuration as JSON, its own or the effective one, whatever the case. */
    readonly q?: string;
  };
  /** Ties are broken by version, newest first. */
  readonly sort: readonly SortTerm<(typeof VERSION_SORT_FIELDS)[number]>[];
}

export interface ToldVersion {
  readonly deviceUid: string;
  readonly version: number;
}

/** A place in the list of what the broker does not have. */
export interface Untold {
  readonly deviceUid: string;
  /** Epoch milliseconds. */
  readonly updatedAt: number;
}

export interface TwinReader {
  /** By uid, because versions outlive the device. */
  find(deviceUid: string): Promise<StoredTwin | null>;
  findGroup(groupId: number): Promise<GroupConfig | null>;
  findVersion(deviceId: number, version: number): Promise<TwinVersion | null>;
}

export interface DeviceKey {
  readonly deviceId: number;
  readonly deviceUid: string;
}

/** A device, as far as its configuration depends on it. */
export interface TwinDevice extends DeviceKey {
  readonly groupId: number | null;
}

export interface TwinWriter extends TwinReader {
  /** Those that exist, by id: as they are in this transaction, since a membership may change beside it. */
  describe(deviceIds: readonly number[]): Promise<readonly TwinDevice[]>;
  /** A new version is untold. */
  save(twin: StoredTwin, at: number): Promise<void>;
  /** Keeps the newest `MAX_VERSIONS`. */
  addVersion(twin: DeviceKey, version: TwinVersion): Promise<void>;
  /** Forgets all of a deleted device but the number of its last version, and has the broker told. */
  forget(device: DeviceKey): Promise<void>;
  /** What `devices.listConfigsDue` told of them has been seen to. */
  settle(deviceIds: readonly number[]): Promise<void>;
  /** Its members do not have it yet. */
  saveGroup(group: GroupConfig, at: number): Promise<void>;
  findWork(groupId: number): Promise<GroupWork | null>;
  /** @param isDone there are no devices behind `afterId` */
  advanceWork(groupId: number, afterId: number, isDone: boolean): Promise<void>;
}

export interface TwinStore extends TwinReader {
  listVersions(
    deviceId: number,
    query: VersionListQuery,
  ): Promise<{ readonly items: readonly TwinVersion[]; readonly total: number }>;
  /** Groups whose members do not all have the present defaults, those that wait longest first. */
  listWork(limit: number): Promise<readonly number[]>;
  /** Versions that the broker does not have and that were made before, the oldest first, behind `after`. */
  listUntold(before: number, after: Untold | null, limit: number): Promise<readonly Untold[]>;
  /** The broker has these; one of which there is another version by now stays untold. It is no harm when that is forgotten. */
  markTold(versions: readonly ToldVersion[]): Promise<void>;
  count(): Promise<{ readonly outOfSync: number; readonly untold: number }>;
  /** All of `work` or nothing; on disk when it resolves. `work` awaits nothing but the writers, and may be repeated. */
  transaction<T>(work: (writer: TwinWriter, audit: AuditWriter) => Promise<T>): Promise<T>;
}
