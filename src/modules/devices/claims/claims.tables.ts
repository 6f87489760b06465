import type { Generated } from 'kysely';
import type { AttemptStep } from './claims.ports.ts';

/** Of claims, for their repository. */
export interface ClaimTables {
  device_claims: {
    id: Generated<number>;
    name: string;
    device_type: string;
    group_id: number | null;
    owner_id: number | null;
    max_devices: number;
    used: number;
    uid_pattern: string | null;
    /** JSON. */
    uids: string | null;
    token_hash: string;
    expires_at: number;
    revoked_at: number | null;
    created_by: number | null;
    created_at: number;
    updated_at: number;
  };
  claim_requests: {
    claim_id: number;
    request_key: string;
    request_hash: string;
    device_uid: string;
    is_done: number;
    created_at: number;
    updated_at: number;
  };
  claim_attempts: {
    id: Generated<number>;
    claim_id: number;
    device_uid: string | null;
    step: AttemptStep;
    error: string | null;
    ip_address: string | null;
    created_at: number;
    updated_at: number;
  };
}
