import type { Generated } from 'kysely';

/** The module's tables, for its repository. */
export interface FirmwareTables {
  firmware: {
    id: Generated<number>;
    device_type: string;
    version: string;
    sequence: number;
    size: number;
    sha256: string;
    sha1: string;
    md5: string;
    notes: string | null;
    signature: string;
    key_id: string;
    not_after: number | null;
    blob_id: string;
    created_by: number | null;
    created_at: number;
    updated_at: number;
  };
  firmware_sequences: { device_type: string; sequence: number; created_at: number; updated_at: number };
  firmware_keys: {
    key_id: string;
    public_key: string;
    name: string;
    created_by: number | null;
    created_at: number;
    updated_at: number;
  };
}
