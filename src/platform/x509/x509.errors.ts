import { defineErrors } from '#kernel/errors.ts';

export const x509Errors = defineErrors({
  certificate_unreadable: ['invalid', 'This is not an X.509 certificate in PEM format.'],
  csr_unreadable: ['invalid', 'This is not a certificate request (PKCS #10) in PEM format.'],
  csr_signature_invalid: ['invalid', 'The signature of the certificate request is wrong.'],
  csr_key_refused: [
    'invalid',
    'The key of the certificate request is not accepted: ECDSA on P-256 or P-384, Ed25519, or RSA of 2048 to 4096 bits is.',
  ],
});
