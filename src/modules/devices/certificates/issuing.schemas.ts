import { type Static, Type } from 'typebox';
import { toIso } from '#kernel/clock.ts';
import { Instant, Strict } from '#platform/http/http.schemas.ts';
import type { IssuedCertificate } from './certificates.ports.ts';

const REQUEST = '-----BEGIN CERTIFICATE REQUEST-----\nMIH…\n-----END CERTIFICATE REQUEST-----\n';
const PEM = '-----BEGIN CERTIFICATE-----\nMIIB…\n-----END CERTIFICATE-----\n';

const csr = Type.String({
  minLength: 1,
  maxLength: 8_192,
  description: 'Certificate request (PKCS #10): PEM. What it says of names is the device_uid, or nothing',
  examples: [REQUEST],
});

export const IssueBody = Strict('CertificateRequest', { csr });

export const RenewalBody = Strict('CertificateRenewal', {
  csr,
  certificate: Type.String({
    minLength: 1,
    maxLength: 16_384,
    description: 'The certificate that the device has: PEM',
    examples: [PEM],
  }),
  signature: Type.String({
    maxLength: 1_024,
    pattern: '^[A-Za-z0-9+/]+={0,2}$',
    'x-accepts': 'base64',
    description:
      'Of `csr`, exactly as it is sent, by the key of `certificate`, with SHA-256 unless it is an Ed25519 key: base64 of what ' +
      '`openssl dgst -sha256 -sign` makes',
    examples: ['MEUCIQDkX0Y3ZJm9y1hQW5rB8Vt2c6pLs4nKd7uEaGfTqJxRwIgB1oHvNzMiYbC3lUeSg0PkA5jXqDr8tWfVn2mKcLhQyE='],
  }),
});

export const IssuedView = Strict('IssuedCertificate', {
  certificate: Type.String({ description: 'PEM', examples: [PEM] }),
  ca_certificate: Type.String({ description: 'Of the authority that has issued it: PEM', examples: [PEM] }),
  serial: Type.String({ description: 'Serial number, hexadecimal', examples: ['4F1D7A0B9C3E4D2F'] }),
  not_before: Instant,
  not_after: Instant,
});

export function presentIssued(issued: IssuedCertificate): Static<typeof IssuedView> {
  return {
    certificate: issued.certificate,
    ca_certificate: issued.caCertificate,
    serial: issued.serial,
    not_before: toIso(issued.notBefore),
    not_after: toIso(issued.notAfter),
  };
}
