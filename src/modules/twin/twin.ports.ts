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

/** The configuration of one device. Instants are epoch milliseconds. */
export interface Twin {
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

export interface TwinReader {
  /** By uid, because versions outlive the device. */
  find(deviceUid: string): Promise<Twin | null>;
  findMany(deviceUids: readonly string[]): Promise<readonly Twin[]>;
  findGroup(groupId: number): Promise<GroupConfig | null>;
  findVersion(deviceId: number, version: number): Promise<TwinVersion | null>;
}

/** A device, as far as its configuration depends on it. */
export interface TwinDevice {
  readonly deviceId: number;
  readonly deviceUid: string;
  readonly groupId: number | null;
}

export interface TwinWriter extends TwinReader {
  /** Those that exist, by id: as they are in this transaction, since a membership may change beside it. */
  describe(deviceIds: readonly number[]): Promise<readonly TwinDevice[]>;
  save(twin: Twin, at: number): Promise<void>;
  /** Keeps the newest `MAX_VERSIONS`. */
  addVersion(twin: Pick<Twin, 'deviceId' | 'deviceUid'>, version: TwinVersion): Promise<void>;
  /** Its members do not have it yet. */
  saveGroup(group: GroupConfig, at: number): Promise<void>;
  findWork(groupId: number): Promise<GroupWork | null>;
  /** @param isDone there are no devices behind `afterId` */
  advanceWork(groupId: number, afterId: number, isDone: boolean): Promise<void>;
}

export interface TwinStore extends TwinReader {
  /** Newest first. */
  listVersions(
    deviceId: number,
    page: { readonly page: number; readonly size: number },
  ): Promise<{ readonly items: readonly TwinVersion[]; readonly total: number }>;
  listWork(limit: number): Promise<readonly number[]>;
  /** Devices whose desired configuration changed between the two instants and that have not applied it, 500 at the most. */
  listUnapplied(
    from: number,
    to: number,
  ): Promise<readonly { readonly deviceId: number; readonly deviceUid: string }[]>;
  /** All of `work` or nothing; on disk when it resolves. `work` awaits nothing but the writers, and may be repeated. */
  transaction<T>(work: (writer: TwinWriter, audit: AuditWriter) => Promise<T>): Promise<T>;
}
