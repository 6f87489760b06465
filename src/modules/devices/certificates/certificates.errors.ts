import { defineErrors } from '#kernel/errors.ts';

/** Why a certificate is refused: the reason at MQTT, in the audit trail, and the code over HTTP. */
export const certificateErrors = defineErrors({
  certificate_unknown_ca: ['forbidden', 'No registered authority issued this certificate.'],
  certificate_not_yet_valid: ['forbidden', 'The certificate is not valid yet.'],
  certificate_expired: ['forbidden', 'The certificate, or that of its authority, has expired.'],
  certificate_not_for_clients: ['forbidden', 'The certificate is not one for TLS clients.'],
  certificate_revoked: ['forbidden', 'The certificate has been revoked.'],
  certificate_uid_mismatch: ['forbidden', 'The certificate is not for this device_uid.'],
  certificate_proof_invalid: ['forbidden', 'The request is not signed with the key of the certificate.'],
  certificate_unknown: ['forbidden', 'This installation has not issued this certificate.'],
  certificate_device_unknown: ['forbidden', 'There is no such device, and its authority registers none.'],
  certificate_device_deleted: ['forbidden', 'The device of this certificate has been deleted.'],
});
