import type { Principal } from '#kernel/access.ts';
import type { Clock } from '#kernel/clock.ts';
import { type AppError, isAppError } from '#kernel/errors.ts';
import type { EventBus } from '#kernel/events.ts';
import type { AuditOrigin, AuditWriter, RefusalTrail } from '#platform/audit/audit.port.ts';
import type { Certificate, X509 } from '#platform/x509/x509.port.ts';
import { deviceErrors } from '../devices.errors.ts';
import type { DeviceRef } from '../devices.ports.ts';
import type { DeviceInput } from '../devices.registration.ts';
import { certificateErrors } from './certificates.errors.ts';
import { announceEnded } from './certificates.events.ts';
import type {
  Authority,
  CertificateStore,
  CertificateWriter,
  DeviceCertificate,
  OwnedCertificate,
} from './certificates.ports.ts';
import { isOfAnother, refusalOf, type Shown, uidOf } from './certificates.rules.ts';

export interface CertificateLoginsDeps {
  readonly store: CertificateStore;
  readonly x509: X509;
  readonly devices: {
    findByUid(deviceUid: string): Promise<DeviceRef | null>;
    create(actor: Principal | null, input: DeviceInput): Promise<unknown>;
  };
  readonly refusals: RefusalTrail;
  readonly clock: Clock;
  readonly events: EventBus;
}

/** Whoever shows it has its key: TLS has proven that, or the proof does. */
export interface ShownCertificate {
  /** DER, or PEM. */
  readonly der: Uint8Array | string;
  /** What its key has signed. */
  readonly proof?: { readonly data: Uint8Array; readonly signature: Uint8Array };
}

export interface CertificateRefusal {
  /** `certificate_unreadable`, or one of `certificateErrors`. */
  readonly refused: AppError;
  /** Of which device it would have been; null: of none that can be told. */
  readonly deviceUid: string | null;
}

export type CertificateLogins = ReturnType<typeof createCertificateLogins>;

type KnownShown = Shown & { readonly authority: Authority };

/** Who a device is that shows a certificate. */
export function createCertificateLogins({ store, x509, devices, refusals, clock, events }: CertificateLoginsDeps) {
  async function lookUp(certificate: Certificate): Promise<Shown> {
    const candidates = await store.authoritiesNamed(certificate.issuer);
    const issued = (authority: Authority) => x509.isIssuedBy(certificate, x509.readCertificate(authority.certificate));
    const authority = candidates.find(issued) ?? null;
    const stored = authority && (await store.findCertificate(authority.keyHash, certificate.serial));
    return { certificate, authority, stored };
  }

  /** The device of the uid, made where the authority may do so. @throws AppError one of `certificateErrors` */
  async function deviceOf(deviceUid: string, authority: Authority): Promise<DeviceRef> {
    const known = await devices.findByUid(deviceUid);
    if (known !== null) return known;
    // Who deleted a device does not want it back with its next login.
    const former = await store.certificatesOf(deviceUid);
    if (former.some(({ deviceId }) => deviceId !== null)) throw certificateErrors.certificate_device_deleted();
    if (!authority.autoRegister) throw certificateErrors.certificate_device_unknown();
    try {
      await devices.create(null, { deviceUid, name: deviceUid, deviceType: authority.deviceType });
    } catch (error) {
      // Another connection of it was first.
      if (!isAppError(error) || error.code !== deviceErrors.device_uid_taken().code) throw error;
    }
    const made = await devices.findByUid(deviceUid);
    if (made === null) throw certificateErrors.certificate_device_deleted();
    return made;
  }

  /** Decides by what is stored when it is stored. The first use of a new one ends the former ones. */
  async function noteUse(shown: KnownShown, device: DeviceRef, origin: AuditOrigin): Promise<void> {
    const now = clock.now();
    const ended = await store.transaction(async (writer, audit) => {
      const stored = await writer.findCertificate(shown.authority.keyHash, shown.certificate.serial);
      const refusal = refusalOf({ ...shown, stored }, now);
      if (refusal !== null) throw refusal;
      if (isOfAnother(stored, device.deviceId)) throw certificateErrors.certificate_device_deleted();
      if (stored !== null && stored.firstUsedAt !== null) return [];
      await audit.record({ origin, ...firstUse(shown, device) });
      if (stored === null) {
        await writer.insertCertificate(seen(shown, device, now), now);
        return [];
      }
      await writer.markUsed(stored.id, now);
      return await supersede(writer, audit, stored, device, now);
    });
    announceEnded(events, ended, now);
  }

  /** @throws AppError one of `certificateErrors` */
  async function accept(shown: Shown, deviceUid: string | null, origin: AuditOrigin): Promise<DeviceRef> {
    const refusal = refusalOf(shown, clock.now());
    if (refusal !== null) throw refusal;
    const { authority, stored } = shown;
    if (authority === null || deviceUid === null) throw certificateErrors.certificate_uid_mismatch();
    const device = await deviceOf(deviceUid, authority);
    if (isOfAnother(stored, device.deviceId)) throw certificateErrors.certificate_device_deleted();
    // Only the first use is written: a thousand devices that come back together read.
    if (stored === null || stored.firstUsedAt === null) await noteUse({ ...shown, authority }, device, origin);
    return device;
  }

  async function refuse(error: AppError, shown: Shown | null, deviceUid: string | null, origin: AuditOrigin) {
    const device = deviceUid === null ? null : await devices.findByUid(deviceUid);
    const { subject = null, issuer = null, serial = null } = shown?.certificate ?? {};
    const resourceId = device === null ? null : String(device.deviceId);
    const details = { reason: error.code, device_uid: deviceUid, subject, issuer, serial };
    const action = 'certificate.refused';
    await refusals.record({ actor: null, origin, action, resourceType: 'device', resourceId, details });
  }

  return {
    /**
     * @param username `''`: the certificate says which device it is
     * @returns why it is refused, which is in the audit trail then
     * @throws AppError `unavailable`
     */
    async identify(
      { der, proof }: ShownCertificate,
      username: string,
      origin: AuditOrigin,
    ): Promise<DeviceRef | CertificateRefusal> {
      let shown: Shown | null = null;
      let deviceUid: string | null = null;
      try {
        shown = await lookUp(x509.readCertificate(der));
        if (proof !== undefined && !x509.isSignedBy(proof.data, proof.signature, shown.certificate)) {
          throw certificateErrors.certificate_proof_invalid();
        }
        // What nobody whom we know has signed names nobody.
        deviceUid = shown.authority && uidOf(shown.certificate, username);
        return await accept(shown, deviceUid, origin);
      } catch (error) {
        if (!isAppError(error) || error.kind === 'unavailable') throw error;
        await refuse(error, shown, deviceUid, origin);
        return { refused: error, deviceUid };
      }
    },
  };
}

/** A new certificate was used: the device has it, and the former ones end. */
async function supersede(
  writer: CertificateWriter,
  audit: AuditWriter,
  used: DeviceCertificate,
  device: DeviceRef,
  at: number,
): Promise<readonly OwnedCertificate[]> {
  const former = (await writer.certificatesOf(device.deviceUid)).filter(
    ({ id, revokedAt, deviceId }) => id < used.id && revokedAt === null && deviceId === device.deviceId,
  );
  for (const { id, serial, issuer } of former) {
    await writer.revoke(id, SUPERSEDED, at);
    const details = { serial, issuer, reason: SUPERSEDED, device_uid: device.deviceUid };
    await audit.record({ actor: null, action: 'certificate.revoked', ...on(device), details });
  }
  return former as readonly OwnedCertificate[];
}

const SUPERSEDED = 'superseded';

function seen({ certificate, authority }: KnownShown, device: DeviceRef, at: number) {
  const { serial, issuer, fingerprint, notBefore, notAfter } = certificate;
  return {
    issuerKeyHash: authority.keyHash,
    ...{ serial, issuer, fingerprint, notBefore, notAfter },
    deviceId: device.deviceId,
    deviceUid: device.deviceUid,
    certificate: null,
    requestHash: null,
    firstUsedAt: at,
    revokedAt: null,
    revokedReason: null,
  };
}

function firstUse({ certificate: { serial, issuer } }: Shown, device: DeviceRef) {
  const details = { serial, issuer, device_uid: device.deviceUid };
  return { actor: null, action: 'certificate.first_used', ...on(device), details };
}

function on({ deviceId }: DeviceRef) {
  return { resourceType: 'device', resourceId: String(deviceId) };
}
