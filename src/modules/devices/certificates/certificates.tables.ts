import type { Generated } from 'kysely';

/** Those of certificates, for their repository. */
export interface CertificateTables {
  certificate_authorities: AuthoritiesTable;
  ca_registration_codes: {
    code: string;
    expires_at: number;
    created_by: number | null;
    created_at: number;
    updated_at: number;
  };
  device_certificates: DeviceCertificatesTable;
}

interface AuthoritiesTable {
  id: Generated<number>;
  name: string;
  certificate: string;
  subject: string;
  subject_hash: string;
  fingerprint: string;
  key_hash: string;
  not_after: number;
  /** 0 or 1. */
  auto_register: number;
  device_type: string;
  /** 0 or 1. */
  is_own: number;
  created_by: number | null;
  created_at: number;
  updated_at: number;
}

interface DeviceCertificatesTable {
  id: Generated<number>;
  issuer_key_hash: string;
  serial: string;
  issuer: string;
  device_id: number | null;
  device_uid: string | null;
  fingerprint: string | null;
  not_before: number | null;
  not_after: number | null;
  certificate: string | null;
  request_hash: string | null;
  first_used_at: number | null;
  revoked_at: number | null;
  revoked_reason: string | null;
  warned_at: number | null;
  created_at: number;
  updated_at: number;
}
