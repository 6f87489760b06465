import type { FieldError } from '#kernel/errors.ts';
import type { DeviceCredentials } from '../devices.ports.ts';

export const IMPORT_MAX_ROWS = 1_000;

export interface ImportedRow {
  /** From 1, without the header. */
  readonly row: number;
  /** Null when the row does not say one that could be read. */
  readonly deviceUid: string | null;
  /** The only time that the credentials are known; null when the row failed, or nothing was made of it. */
  readonly credentials: DeviceCredentials | null;
  /** Why the row failed; empty when the device was created, or would be. */
  readonly errors: readonly FieldError[];
}
