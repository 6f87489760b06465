import { createHash } from 'node:crypto';
import { type Clock, toIso } from '#kernel/clock.ts';
import type { AuditOrigin } from '#platform/audit/audit.port.ts';
import type { Certificate, X509 } from '#platform/x509/x509.port.ts';
import type { DeviceRef } from '../devices.ports.ts';
import { certificateErrors } from './certificates.errors.ts';
import type {
  Authority,
  CertificateIssuer,
  CertificateStore,
  DeviceCertificate,
  IssuedCertificate,
} from './certificates.ports.ts';
import { issuingErrors } from './issuing.errors.ts';
import type { CertificateLogins } from './logins.service.ts';
import type { OwnAuthority } from './own-authority.ts';

const DAY_MS = 86_400_000;
const VALID_MS = 365 * DAY_MS;
const CLOCK_MS = 300_000;
const MAX_A_DAY = 10;

export interface IssuingServiceDeps {
  readonly store: CertificateStore;
  readonly x509: X509;
  readonly own: () => Promise<OwnAuthority>;
  readonly devices: { findByUid(deviceUid: string): Promise<DeviceRef | null> };
  readonly logins: Pick<CertificateLogins, 'identify'>;
  readonly clock: Clock;
}

export interface RenewalRequest {
  /** PEM */
  readonly csr: string;
  /** The present one: PEM. */
  readonly certificate: string;
  /** Of the bytes of `csr`, by the key of `certificate`. */
  readonly signature: Uint8Array;
}

export interface IssuingService extends CertificateIssuer {
  /**
   * `issueCertificate` for a device that proves who it is by the certificate that it has.
   * @throws AppError as `issueCertificate`; `certificate_unreadable`, and those of `certificateErrors`, too
   */
  renew(request: RenewalRequest, origin: AuditOrigin): Promise<IssuedCertificate>;
}

/** The installation as the authority of its devices. */
export function createIssuingService(deps: IssuingServiceDeps): IssuingService {
  const { store, x509, own, devices, logins, clock } = deps;

  async function checkRequest(csr: string, deviceUid: string | null): Promise<void> {
    const { names } = await x509.readRequest(csr);
    if (names.some((name) => name !== deviceUid)) throw issuingErrors.csr_name_refused();
  }

  async function issueFor(csr: string, device: DeviceRef, origin?: AuditOrigin): Promise<IssuedCertificate> {
    const { deviceId, deviceUid } = device;
    await checkRequest(csr, deviceUid);
    const { authority, privateKey } = await own();
    const now = clock.now();
    const validity = { notBefore: now - CLOCK_MS, notAfter: Math.min(now + VALID_MS, authority.notAfter) };
    const signer = { certificate: authority.certificate, privateKey };
    const made = await x509.issue({ request: csr, name: deviceUid, authority: signer, ...validity });
    const requestHash = hashOf(csr);
    return await store.transaction(async (writer, audit) => {
      const issued = (await writer.certificatesOf(deviceUid)).filter(
        (each) => each.deviceId === deviceId && each.certificate !== null,
      );
      const unused = issued.filter(({ firstUsedAt, revokedAt }) => firstUsedAt === null && revokedAt === null);
      // The answer was lost on its way.
      const same = unused.find((each) => each.requestHash === requestHash && (each.notAfter ?? 0) > now);
      if (same !== undefined) return present(same, authority);
      const recent = issued.filter(({ createdAt }) => createdAt > now - DAY_MS);
      if (recent.length >= MAX_A_DAY) throw limitReached(recent, now);
      for (const { id } of unused) await writer.revoke(id, 'superseded', now);
      const row = rowOf(made, authority, device, requestHash);
      await writer.insertCertificate(row, now);
      const { serial, notAfter } = made;
      await audit.record({
        actor: null,
        ...(origin === undefined ? {} : { origin }),
        action: 'certificate.issued',
        resourceType: 'device',
        resourceId: String(deviceId),
        details: { device_uid: deviceUid, serial, not_after: toIso(notAfter) },
      });
      return present(row, authority);
    });
  }

  return {
    checkRequest,

    async issueCertificate(csr, deviceUid, origin) {
      const device = await devices.findByUid(deviceUid);
      if (device === null) throw certificateErrors.certificate_device_unknown();
      return await issueFor(csr, device, origin);
    },

    async renew({ csr, certificate, signature }, origin) {
      const proof = { data: Buffer.from(csr), signature };
      const found = await logins.identify({ der: certificate, proof }, '', origin);
      if ('refused' in found) throw found.refused;
      return await issueFor(csr, found, origin);
    },
  };
}

function limitReached(recent: readonly DeviceCertificate[], now: number) {
  const oldest = Math.min(...recent.map(({ createdAt }) => createdAt));
  const retryAfterSeconds = Math.max(1, Math.ceil((oldest + DAY_MS - now) / 1_000));
  return issuingErrors.certificate_limit_reached({ details: { retryAfterSeconds } });
}

function rowOf(
  certificate: Certificate,
  authority: Authority,
  { deviceId, deviceUid }: DeviceRef,
  requestHash: string,
) {
  const { serial, issuer, fingerprint, notBefore, notAfter, pem } = certificate;
  return {
    issuerKeyHash: authority.keyHash,
    ...{ serial, issuer, fingerprint, notBefore, notAfter, deviceId, deviceUid, requestHash },
    certificate: pem,
    firstUsedAt: null,
    revokedAt: null,
    revokedReason: null,
  };
}

function present(
  { certificate, serial, notBefore, notAfter }: Omit<DeviceCertificate, 'id' | 'createdAt'>,
  authority: Authority,
): IssuedCertificate {
  if (certificate === null || notBefore === null || notAfter === null) throw new Error('it was not issued here');
  return { certificate, caCertificate: authority.certificate, serial, notBefore, notAfter };
}

/** However its lines are broken. */
function hashOf(csr: string): string {
  return createHash('sha256').update(csr.replaceAll(/\s/g, '')).digest('hex');
}
