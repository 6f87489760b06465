import type { OneOrMore, PageQuery, SortTerm } from '#kernel/pagination.ts';
import type { AuditWriter, DeviceRefusals, RefusalTrail } from '#platform/audit/audit.port.ts';
import type { SqlTransaction } from '#platform/sql/sql.port.ts';

/** An image as stored. Instants are epoch milliseconds, hashes are hex. */
export interface Firmware {
  readonly id: number;
  readonly deviceType: string;
  readonly version: string;
  readonly sequence: number;
  /** Bytes. */
  readonly size: number;
  readonly sha256: string;
  /** For clients that know no other (hawkBit). */
  readonly sha1: string;
  readonly md5: string;
  readonly notes: string | null;
  /** Of the manifest, base64. */
  readonly signature: string;
  readonly keyId: string;
  /** Null: for ever. */
  readonly notAfter: number | null;
  readonly blobId: string;
  readonly createdBy: number | null;
  readonly createdAt: number;
}

export interface FirmwareKey {
  readonly keyId: string;
  readonly publicKey: string;
  readonly name: string;
  readonly createdBy: number | null;
  readonly createdAt: number;
}

export const FIRMWARE_SORT_FIELDS = ['id', 'device_type', 'version', 'sequence', 'size', 'created_at'] as const;
export type FirmwareSortField = (typeof FIRMWARE_SORT_FIELDS)[number];

/** Every given field must match. */
export interface FirmwareFilter {
  readonly deviceType?: OneOrMore<string>;
  readonly version?: OneOrMore<string>;
  /** Contained in version, device type or notes, whatever the case. */
  readonly q?: string;
}

export interface FirmwareListQuery extends Omit<PageQuery, 'sort'> {
  readonly filter: FirmwareFilter;
  /** Ties are broken by id, newest first. */
  readonly sort: readonly SortTerm<FirmwareSortField>[];
}

export interface FirmwareReader {
  findById(id: number): Promise<Firmware | null>;
  findVersion(deviceType: string, version: string): Promise<Firmware | null>;
  /** 0: there is none of this type, and never was. Deleted ones count. */
  lastSequence(deviceType: string): Promise<number>;
  findKey(keyId: string): Promise<FirmwareKey | null>;
}

export interface FirmwareWriter extends FirmwareReader {
  isUsed(id: number): Promise<boolean>;
  insert(firmware: Omit<Firmware, 'id'>): Promise<Firmware>;
  remove(id: number): Promise<void>;
  insertKey(key: FirmwareKey): Promise<void>;
  removeKey(keyId: string): Promise<void>;
}

export interface FirmwareStore extends FirmwareReader {
  list(query: FirmwareListQuery): Promise<{ readonly items: readonly Firmware[]; readonly total: number }>;
  listKeys(): Promise<readonly FirmwareKey[]>;
  /** Which of these files an image is in. */
  knownBlobs(blobIds: readonly string[]): Promise<ReadonlySet<string>>;
  /** All of `work` or nothing; on disk when it resolves. `work` awaits nothing but the writers, and may be repeated. */
  transaction<T>(work: (writer: FirmwareWriter, audit: AuditWriter) => Promise<T>): Promise<T>;
}

/** What is said of an image that is uploaded. */
export interface FirmwareUpload {
  readonly deviceType: string;
  readonly version: string;
  readonly notes: string | null;
  /** Of the manifest, base64, with the id of a registered key; null: the installation signs. */
  readonly signed: { readonly signature: string; readonly keyId: string; readonly sequence: number } | null;
  /** Epoch milliseconds; null: for ever. */
  readonly notAfter: number | null;
}

/** Where it is written down that an image was not given out. */
export interface FirmwareRefusals {
  readonly devices: DeviceRefusals;
  readonly anybody: RefusalTrail;
}

/** Who rolls images out. */
export interface FirmwareUsage {
  /** Whether the image was offered to the device, or may be at any moment: then it may get it. */
  isOffered(deviceId: number, firmwareId: number): Promise<boolean>;
  /** Whether something needs the image still; in the transaction that removes it, so that nothing can begin to meanwhile. */
  isUsedIn(transaction: SqlTransaction, firmwareId: number): Promise<boolean>;
}
