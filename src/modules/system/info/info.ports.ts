export interface SystemInfo extends Omit<SystemFacts, 'counts' | 'memoryBytes'> {
  /** Epoch milliseconds. */
  readonly startedAt: number;
  readonly uptimeMs: number;
  readonly memoryBytes: number;
  readonly counts: Readonly<Record<string, number>>;
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
  /** Each module's records: name → how many there are now. */
  readonly counts: readonly (() => Promise<Readonly<Record<string, number>>>)[];
}
