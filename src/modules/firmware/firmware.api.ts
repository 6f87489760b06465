import type { SqlTransaction } from '#platform/sql/sql.port.ts';
import type { Firmware } from './firmware.ports.ts';

/** What other modules may ask of firmware. */
export interface FirmwareApi {
  /** Null: there is none. */
  find(id: number): Promise<Firmware | null>;
  /** As `find`, within the transaction of whoever begins to use it: it is not deleted then. */
  findIn(transaction: SqlTransaction, id: number): Promise<Firmware | null>;
  /** Parts of an image; both ends inclusive. @throws AppError `unavailable` */
  read(firmware: Firmware, range?: { readonly start: number; readonly end: number }): AsyncIterable<Uint8Array>;
}
