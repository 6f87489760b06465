import type { AppError } from '#kernel/errors.ts';
import type { Certificate } from '#platform/x509/x509.port.ts';
import { certificateErrors } from './certificates.errors.ts';
import type { Authority, DeviceCertificate } from './certificates.ports.ts';

const DEVICE_UID = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;

/** What is known of a certificate that was shown. */
export interface Shown {
  readonly certificate: Certificate;
  /** Who issued it; null: nobody who is registered. */
  readonly authority: Authority | null;
  /** What is stored of it. */
  readonly stored: DeviceCertificate | null;
}

/** Why it does not count, whoever shows it; null: it does. */
export function refusalOf({ certificate, authority, stored }: Shown, now: number): AppError | null {
  if (authority === null) return certificateErrors.certificate_unknown_ca();
  if (now < certificate.notBefore) return certificateErrors.certificate_not_yet_valid();
  if (now > certificate.notAfter || now > authority.notAfter) return certificateErrors.certificate_expired();
  if (certificate.isAuthority || !certificate.isForClients) return certificateErrors.certificate_not_for_clients();
  if (stored !== null && stored.revokedAt !== null) return certificateErrors.certificate_revoked();
  if (authority.isOwn && stored === null) return certificateErrors.certificate_unknown();
  return null;
}

/** However it was written: in upper case, in whole bytes, without those in front that are zero. */
export function serialOf(hexadecimal: string): string {
  const digits = hexadecimal.toUpperCase().replace(/^0+(?=.)/, '');
  return digits.length % 2 === 0 ? digits : `0${digits}`;
}

/**
 * Of which device it is: the one that is named, if it names that one too; else the first of its names that can be a
 * device_uid. Null: of none.
 */
export function uidOf({ names }: Certificate, username: string): string | null {
  const uids = names.filter((name) => DEVICE_UID.test(name));
  if (username === '') return uids[0] ?? null;
  return uids.includes(username) ? username : null;
}

/**
 * Whether it was the certificate of a device that is gone. With its device it has ended: a new one of the same uid is
 * another device.
 */
export function isOfAnother(stored: DeviceCertificate | null, deviceId: number): boolean {
  return stored !== null && stored.deviceId !== null && stored.deviceId !== deviceId;
}
