export { x509Errors } from './x509.errors.ts';

/** X.509 certificates (RFC 5280) and certificate requests (PKCS #10, RFC 2986). */
export interface X509 {
  /**
   * @param input PEM with one certificate, of which the first counts, or DER
   * @throws AppError `certificate_unreadable`
   */
  readCertificate(input: string | Uint8Array): Certificate;
  /**
   * Whether the key of `authority` signed the certificate, under its name and with the right to do so. Says nothing of
   * time or revocation.
   */
  isIssuedBy(certificate: Certificate, authority: Certificate): boolean;
  /**
   * Whether the key of the certificate signed the data, with SHA-256 unless it is an Ed25519 key: what
   * `openssl dgst -sha256 -sign`, or `openssl pkeyutl -sign -rawin`, makes.
   */
  isSignedBy(data: Uint8Array, signature: Uint8Array, certificate: Certificate): boolean;
  /**
   * Reads a request and checks that whoever made it has the private key.
   * @throws AppError `csr_unreadable`, `csr_signature_invalid`, `csr_key_refused`
   */
  readRequest(pem: string): Promise<CertificateRequest>;
  /** A new self-signed authority on a key of its own (ECDSA, P-256). */
  createAuthority(validity: Validity): Promise<{ readonly certificate: string; readonly privateKey: string }>;
  /**
   * A certificate for TLS clients. Of the request only the public key is taken: no extension that it asks for.
   * @throws AppError as `readRequest`
   */
  issue(order: CertificateOrder): Promise<Certificate>;
}

/** The `fingerprint` of a certificate of Node.js, which writes it in pairs with colons. */
export function fingerprintOf({ fingerprint256 }: { readonly fingerprint256: string }): string {
  return fingerprint256.replaceAll(':', '').toLowerCase();
}

/** Instants in epoch milliseconds; a certificate keeps whole seconds. Both ends are within. */
export interface Validity {
  readonly notBefore: number;
  readonly notAfter: number;
}

export interface Certificate extends Validity {
  readonly pem: string;
  /** `CN=greenhouse-07, O=Plant` */
  readonly subject: string;
  readonly issuer: string;
  /** The common names, then the DNS names of subjectAltName. */
  readonly names: readonly string[];
  /** Hexadecimal, as `openssl x509 -serial` prints it. */
  readonly serial: string;
  /** SHA-256 of its DER, hexadecimal. */
  readonly fingerprint: string;
  /** SHA-256 of its public key (SPKI, DER), hexadecimal: the same in a later certificate on the same key. */
  readonly keyHash: string;
  /** Whether it may sign others. */
  readonly isAuthority: boolean;
  /** Whether a TLS client may show it: it names no purposes, or that one among them. */
  readonly isForClients: boolean;
}

export interface CertificateRequest {
  readonly subject: string;
  /** As of a certificate. */
  readonly names: readonly string[];
}

export interface CertificateOrder extends Validity {
  /** PEM */
  readonly request: string;
  /** Becomes the common name and the DNS name. */
  readonly name: string;
  readonly authority: { readonly certificate: string; readonly privateKey: string };
}
