import { type Static, Type } from 'typebox';
import { toIso, toIsoOrNull } from '#kernel/clock.ts';
import { defined } from '#kernel/defined.ts';
import {
  Id,
  Instant,
  Nullable,
  PageOf,
  pageQuery,
  SeveralOf,
  Strict,
  searchQuery,
  sortQuery,
} from '#platform/http/http.schemas.ts';
import {
  AUTHORITY_SORT_FIELDS,
  type Authority,
  CERTIFICATE_SORT_FIELDS,
  type CertificateFilter,
  type DeviceCertificate,
  type NewAuthority,
} from './certificates.ports.ts';

const MAX_PEM = 16_384;
const PEM = '-----BEGIN CERTIFICATE-----\nMIIB…\n-----END CERTIFICATE-----\n';

const oneLine = {
  pattern: '^(?=.*\\S)[^\\u0000-\\u001f\\u007f]+$',
  'x-accepts': 'text with something visible in it, in one line and without control characters',
};
const name = Type.String({ maxLength: 100, ...oneLine, description: 'For people', examples: ['Plant CA'] });
const deviceType = Type.String({
  maxLength: 64,
  ...oneLine,
  description: 'Of the devices that its certificates register',
  examples: ['temperature-sensor'],
});
const subject = Type.String({ description: 'Whose certificate it is', examples: ['CN=Plant CA, O=Plant'] });
const fingerprint = Type.String({ description: 'SHA-256 of the certificate', examples: ['0'.repeat(64)] });
const serial = Type.String({
  pattern: '^[0-9A-Fa-f]{1,40}$',
  'x-accepts': '1 to 40 hexadecimal digits, as `openssl x509 -serial` prints them',
  description: 'Serial number, as `openssl x509 -serial` prints it',
  examples: ['4F1D7A0B9C3E4D2F'],
});
const reason = Type.String({ maxLength: 200, ...oneLine, description: 'Why', examples: ['stolen'] });
const pem = (what: string) => Type.String({ minLength: 1, maxLength: MAX_PEM, description: what, examples: [PEM] });

export const CodeView = Strict('CaRegistrationCode', {
  code: Type.String({
    description: 'The common name of the verification certificate',
    examples: ['k3J0v5m4hY2t8Q1w6E9r7T0y5U3i1O4p2A6s8D0f1Gh'],
  }),
  expires_at: Instant,
});

export const AuthorityBody = Strict('NewCertificateAuthority', {
  name,
  certificate: pem('Of the authority that issues the certificates of devices: PEM'),
  verification_certificate: pem('Signed by the authority, with the registration code as its common name: PEM'),
  auto_register: Type.Optional(
    Type.Boolean({
      default: false,
      description: 'Whether a device that nobody has registered becomes one with its first login',
      examples: [true],
    }),
  ),
  device_type: Type.Optional({ ...deviceType, default: 'device' }),
});

export const AuthorityView = Strict('CertificateAuthority', {
  id: { ...Id, examples: [2] },
  name: Type.String({ description: 'For people', examples: ['Plant CA'] }),
  certificate: Type.String({ description: 'PEM', examples: [PEM] }),
  subject,
  fingerprint,
  not_after: { ...Instant, description: 'Until then its certificates count' },
  auto_register: Type.Boolean({ description: 'Whether it registers devices that are unknown', examples: [true] }),
  device_type: Type.String({ description: 'Of the devices that it registers', examples: ['temperature-sensor'] }),
  is_own: Type.Boolean({ description: 'Whether this installation issues its certificates', examples: [false] }),
  created_by: Nullable({ ...Id, description: 'User who registered it', examples: [12] }),
  created_at: Instant,
});
export const AuthorityPage = PageOf(AuthorityView);
export const AuthorityParams = Strict({ ca_id: { ...Id, description: 'Id of the authority', examples: [2] } });
export const AuthorityQuery = Strict({ ...pageQuery, ...sortQuery(AUTHORITY_SORT_FIELDS), ...searchQuery });

export const RevocationBody = Strict('CertificateRevocation', { serial, reason: Type.Optional(reason) });

export const CertificateView = Strict('DeviceCertificate', {
  id: { ...Id, examples: [31] },
  serial: Type.String({ description: 'Serial number, hexadecimal', examples: ['4F1D7A0B9C3E4D2F'] }),
  issuer: Type.String({ description: 'Subject of the authority', examples: ['CN=Plant CA, O=Plant'] }),
  device_id: Nullable({
    ...Id,
    description: 'Whose it is; null: it was not shown before it was revoked',
    examples: [7],
  }),
  device_uid: Nullable(Type.String({ description: 'Uid of that device', examples: ['greenhouse-07'] })),
  fingerprint: Nullable(Type.String({ description: 'SHA-256 of the certificate', examples: ['0'.repeat(64)] })),
  not_before: Nullable(Instant),
  not_after: Nullable(Instant),
  first_used_at: Nullable({ ...Instant, description: 'The first login with it' }),
  revoked_at: Nullable({ ...Instant, description: 'Since then it does not count' }),
  revoked_reason: Nullable(
    Type.String({ description: 'Why; `superseded`: a newer one is in use', examples: ['superseded'] }),
  ),
  created_at: Instant,
});
export const CertificatePage = PageOf(CertificateView);
export const CertificateQuery = Strict({
  ...pageQuery,
  ...sortQuery(CERTIFICATE_SORT_FIELDS),
  ...searchQuery,
  device_uid: SeveralOf(Type.String({ minLength: 1, maxLength: 64, description: 'Uid of the device' })),
  serial: SeveralOf(Type.String({ minLength: 1, maxLength: 40, description: 'Serial number, hexadecimal' })),
});

export function toAuthority(body: Static<typeof AuthorityBody>): NewAuthority {
  return {
    name: body.name,
    certificate: body.certificate,
    verificationCertificate: body.verification_certificate,
    autoRegister: body.auto_register ?? false,
    deviceType: body.device_type ?? 'device',
  };
}

export function toFilter(query: Static<typeof CertificateQuery>): CertificateFilter {
  return defined({ deviceUid: query.device_uid, serial: query.serial, q: query.q });
}

export function presentAuthority(authority: Authority): Static<typeof AuthorityView> {
  return {
    id: authority.id,
    name: authority.name,
    certificate: authority.certificate,
    subject: authority.subject,
    fingerprint: authority.fingerprint,
    not_after: toIso(authority.notAfter),
    auto_register: authority.autoRegister,
    device_type: authority.deviceType,
    is_own: authority.isOwn,
    created_by: authority.createdBy,
    created_at: toIso(authority.createdAt),
  };
}

export function presentCertificate(certificate: DeviceCertificate): Static<typeof CertificateView> {
  return {
    id: certificate.id,
    serial: certificate.serial,
    issuer: certificate.issuer,
    device_id: certificate.deviceId,
    device_uid: certificate.deviceUid,
    fingerprint: certificate.fingerprint,
    not_before: toIsoOrNull(certificate.notBefore),
    not_after: toIsoOrNull(certificate.notAfter),
    first_used_at: toIsoOrNull(certificate.firstUsedAt),
    revoked_at: toIsoOrNull(certificate.revokedAt),
    revoked_reason: certificate.revokedReason,
    created_at: toIso(certificate.createdAt),
  };
}
