import type { OneOrMore, PageQuery, SortTerm } from '#kernel/pagination.ts';
import type { AuditOrigin, AuditWriter } from '#platform/audit/audit.port.ts';

/** Whose certificates devices may show. Instants are epoch milliseconds. */
export interface Authority {
  readonly id: number;
  readonly name: string;
  /** PEM */
  readonly certificate: string;
  readonly subject: string;
  /** SHA-256 of its DER, hexadecimal. */
  readonly fingerprint: string;
  /** SHA-256 of its public key (SPKI, DER), hexadecimal. */
  readonly keyHash: string;
  readonly notAfter: number;
  /** Whether a device that nobody has registered becomes one with its first login. */
  readonly autoRegister: boolean;
  /** Of the devices that it registers. */
  readonly deviceType: string;
  /** Whether this installation has its key. */
  readonly isOwn: boolean;
  readonly createdBy: number | null;
  readonly createdAt: number;
}

export interface NewAuthority {
  readonly name: string;
  /** PEM */
  readonly certificate: string;
  /** PEM; signed by the authority, with the code as its common name. */
  readonly verificationCertificate: string;
  readonly autoRegister: boolean;
  readonly deviceType: string;
}

/** A certificate that was shown, issued or revoked; a serial alone, when it was revoked before it was shown. */
export interface DeviceCertificate {
  readonly id: number;
  readonly issuerKeyHash: string;
  /** Hexadecimal, as `openssl x509 -serial` prints it. */
  readonly serial: string;
  readonly issuer: string;
  readonly deviceId: number | null;
  readonly deviceUid: string | null;
  readonly fingerprint: string | null;
  readonly notBefore: number | null;
  readonly notAfter: number | null;
  /** PEM; null: it was issued elsewhere. */
  readonly certificate: string | null;
  /** SHA-256 of the request that it was issued for. */
  readonly requestHash: string | null;
  readonly firstUsedAt: number | null;
  readonly revokedAt: number | null;
  readonly revokedReason: string | null;
  readonly createdAt: number;
}

/** One that belongs to a device. */
export type OwnedCertificate = DeviceCertificate & {
  readonly deviceId: number;
  readonly deviceUid: string;
  readonly fingerprint: string;
  readonly notAfter: number;
};

/** Instants in epoch milliseconds. */
export interface IssuedCertificate {
  /** PEM */
  readonly certificate: string;
  /** Of the authority: PEM. */
  readonly caCertificate: string;
  readonly serial: string;
  readonly notBefore: number;
  readonly notAfter: number;
}

/** The installation as an authority, for whatever makes devices. */
export interface CertificateIssuer {
  /**
   * Whether a certificate would be issued for the request: before a device is made that is to get it.
   * @param deviceUid null: it has none yet, so the request may not name one
   * @throws AppError `csr_unreadable`, `csr_signature_invalid`, `csr_key_refused`, `csr_name_refused`
   */
  checkRequest(csr: string, deviceUid: string | null): Promise<void>;
  /**
   * A certificate for the device, valid for a year. Former ones stay valid until it is used. The same request again, before
   * that, gets the same certificate.
   * @throws AppError as `checkRequest`; `certificate_device_unknown`, `certificate_limit_reached`
   */
  issueCertificate(csr: string, deviceUid: string, origin?: AuditOrigin): Promise<IssuedCertificate>;
}

export const AUTHORITY_SORT_FIELDS = ['id', 'name', 'not_after', 'created_at'] as const;
export type AuthoritySortField = (typeof AUTHORITY_SORT_FIELDS)[number];
export const CERTIFICATE_SORT_FIELDS = ['id', 'device_uid', 'not_after', 'first_used_at', 'created_at'] as const;
export type CertificateSortField = (typeof CERTIFICATE_SORT_FIELDS)[number];

export interface CertificateFilter {
  readonly deviceUid?: OneOrMore<string>;
  readonly serial?: OneOrMore<string>;
  /** Contained in the uid, the serial or the issuer. */
  readonly q?: string;
}

interface Sorted<Field extends string> extends Omit<PageQuery, 'sort'> {
  /** Ties are broken by id. */
  readonly sort: readonly SortTerm<Field>[];
}

export interface CertificateReader {
  findAuthority(id: number): Promise<Authority | null>;
  findCertificate(issuerKeyHash: string, serial: string): Promise<DeviceCertificate | null>;
  /** The newest first, 100 at the most. */
  certificatesOf(deviceUid: string): Promise<readonly DeviceCertificate[]>;
}

export interface CertificateWriter extends CertificateReader {
  countAuthorities(): Promise<number>;
  /** @returns the id. @throws AppError `ca_registered` */
  insertAuthority(authority: Omit<Authority, 'id' | 'createdAt'>, at: number): Promise<number>;
  removeAuthority(id: number): Promise<void>;
  /** Those that have expired go. */
  insertCode(code: string, expiresAt: number, createdBy: number, at: number): Promise<void>;
  /** Whether it was there and had not expired; it is not there any more. */
  takeCode(code: string, at: number): Promise<boolean>;
  insertCertificate(certificate: Omit<DeviceCertificate, 'id' | 'createdAt'>, at: number): Promise<void>;
  markUsed(id: number, at: number): Promise<void>;
  revoke(id: number, reason: string, at: number): Promise<void>;
  /** @returns false: somebody else has. */
  markWarned(id: number, at: number): Promise<boolean>;
}

export interface CertificateStore extends CertificateReader {
  /** All with this subject: more than one after a change of key. */
  authoritiesNamed(subject: string): Promise<readonly Authority[]>;
  findAuthorityByFingerprint(fingerprint: string): Promise<Authority | null>;
  listAuthorities(
    query: Sorted<AuthoritySortField> & { readonly q?: string },
  ): Promise<{ readonly items: readonly Authority[]; readonly total: number }>;
  listCertificates(
    query: Sorted<CertificateSortField> & { readonly filter: CertificateFilter },
  ): Promise<{ readonly items: readonly DeviceCertificate[]; readonly total: number }>;
  /** Of this authority, in use and not revoked, with an id above `afterId`. */
  inUse(issuerKeyHash: string, afterId: number, limit: number): Promise<readonly OwnedCertificate[]>;
  /** In use, not revoked, ending between the two; `unwarned`: nobody was told yet. By id. */
  ending(span: EndingSpan, unwarned: { readonly limit: number }): Promise<readonly OwnedCertificate[]>;
  countEnding(span: EndingSpan): Promise<number>;
  /** Those in use and not revoked whose end is between the two, with an id above `afterId`. By id. */
  ended(span: EndingSpan, afterId: number, limit: number): Promise<readonly OwnedCertificate[]>;
  /** Removes what ended before, and what has no end and is not revoked never. @returns how many, `limit` at the most */
  removeEnded(before: number, limit: number): Promise<number>;
  /** All of `work` or nothing; on disk when it resolves. `work` awaits nothing but the two writers. */
  transaction<T>(work: (writer: CertificateWriter, audit: AuditWriter) => Promise<T>): Promise<T>;
}

/** Epoch milliseconds: `after` < end ≤ `until`. */
export interface EndingSpan {
  readonly after: number;
  readonly until: number;
}
