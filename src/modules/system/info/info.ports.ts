import type { BrokerAddresses } from '#platform/mqtt/mqtt.port.ts';

export interface SystemInfo extends Omit<SystemFacts, 'brokerAddresses' | 'counts' | 'memoryBytes' | 'storage'> {
  /** Epoch milliseconds. */
  readonly startedAt: number;
  readonly uptimeMs: number;
  readonly memoryBytes: number;
  readonly storage: StorageFacts;
  readonly counts: Readonly<Record<string, number>>;
}

/** The data folder and the disk that it is on. */
export interface StorageFacts {
  /** Of the files in the data folder; what MariaDB, MongoDB and Redis hold is not among them. */
  readonly dataBytes: number;
  /** What this process may still write on the disk. */
  readonly freeBytes: number;
  readonly diskBytes: number;
}

/** What `main` tells about the process; nothing here knows where it comes from. */
export interface SystemFacts {
  readonly version: string;
  readonly runtime: { readonly node: string; readonly platform: string; readonly arch: string };
  readonly roles: readonly string[];
  readonly instanceId: string;
  /** Part of the system → what it runs on. */
  readonly adapters: Readonly<Record<string, string>>;
  /** Resident memory. */
  memoryBytes(): number;
  storage(): Promise<StorageFacts>;
  /** Where devices connect. @param askedAt the host under which somebody has reached this server */
  brokerAddresses(askedAt: string): BrokerAddresses;
  /** Each module's records: name → how many there are now. */
  readonly counts: readonly (() => Promise<Readonly<Record<string, number>>>)[];
}
