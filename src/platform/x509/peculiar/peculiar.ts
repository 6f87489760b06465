import { createHash, createPrivateKey, randomBytes, verify, webcrypto, X509Certificate } from 'node:crypto';
import type * as Library from '@peculiar/x509';
import {
  type Certificate,
  type CertificateOrder,
  fingerprintOf,
  type Validity,
  type X509,
  x509Errors,
} from '../x509.port.ts';

type Request = Library.Pkcs10CertificateRequest;

const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';
const SUBJECT_ALT_NAME = '2.5.29.17';
const P256 = { name: 'ECDSA', namedCurve: 'P-256' } as const;
const SIGNING = { name: 'ECDSA', hash: 'SHA-256' } as const;
const CURVES: ReadonlySet<string> = new Set(['P-256', 'P-384']);
const RSA_BITS = { min: 2048, max: 4096 } as const;
const SERIAL_BYTES = 16;

/**
 * Certificates are read and verified by Node.js; @peculiar/x509 reads requests and makes certificates, and is loaded with the
 * first of either.
 */
export function createX509(): X509 {
  /** Of what was read here, so that nothing is parsed twice. */
  const parsed = new WeakMap<Certificate, X509Certificate>();
  let loading: Promise<typeof Library> | undefined;

  function library(): Promise<typeof Library> {
    loading ??= import('reflect-metadata').then(() => import('@peculiar/x509'));
    return loading;
  }

  const nodeOf = (certificate: Certificate) => parsed.get(certificate) ?? new X509Certificate(certificate.pem);

  function readCertificate(input: string | Uint8Array): Certificate {
    try {
      const node = new X509Certificate(input);
      const certificate = describe(node);
      // A date that cannot be read would be before and after no other.
      if (Number.isNaN(certificate.notBefore + certificate.notAfter)) throw new Error('it has no times');
      parsed.set(certificate, node);
      return certificate;
    } catch (error) {
      throw x509Errors.certificate_unreadable({ cause: error });
    }
  }

  function describe(node: X509Certificate): Certificate {
    return {
      pem: node.toString(),
      subject: inOneLine(node.subject),
      issuer: inOneLine(node.issuer),
      names: [...commonNamesOf(node), ...dnsNamesOf(node.subjectAltName)],
      serial: node.serialNumber,
      fingerprint: fingerprintOf(node),
      keyHash: keyHashOf(node),
      notBefore: node.validFromDate.getTime(),
      notAfter: node.validToDate.getTime(),
      isAuthority: node.ca,
      // In Node.js `keyUsage` is the extended one. It is there only when the certificate says it.
      isForClients: (node.keyUsage as readonly string[] | undefined)?.includes(CLIENT_AUTH) ?? true,
    };
  }

  async function verifiedRequest(pem: string): Promise<Request> {
    const { Pkcs10CertificateRequest } = await library();
    let request: Request;
    let algorithm: { readonly name: string; readonly namedCurve?: string; readonly modulusLength?: number };
    try {
      request = new Pkcs10CertificateRequest(pem);
      algorithm = request.publicKey.algorithm;
    } catch (error) {
      // The library knows no other curves than those of WebCrypto.
      if (String(error).includes('namedCurve')) throw x509Errors.csr_key_refused({ cause: error });
      throw x509Errors.csr_unreadable({ cause: error });
    }
    if (!isStrong(algorithm)) throw x509Errors.csr_key_refused();
    const isSigned = await request.verify().catch(() => false);
    if (!isSigned) throw x509Errors.csr_signature_invalid();
    return request;
  }

  return {
    readCertificate,

    isIssuedBy(certificate, authority) {
      const [child, parent] = [nodeOf(certificate), nodeOf(authority)];
      try {
        return child.checkIssued(parent) && child.verify(parent.publicKey);
      } catch {
        // An algorithm that does not go with the key.
        return false;
      }
    },

    isSignedBy(data, signature, certificate) {
      const { publicKey } = nodeOf(certificate);
      const digest = publicKey.asymmetricKeyType === 'ed25519' ? null : 'sha256';
      try {
        return verify(digest, data, publicKey, signature);
      } catch {
        return false;
      }
    },

    async readRequest(pem) {
      const { SubjectAlternativeNameExtension } = await library();
      const request = await verifiedRequest(pem);
      const alternatives = request.extensions
        .filter(({ type }) => type === SUBJECT_ALT_NAME)
        .flatMap(({ rawData }) => new SubjectAlternativeNameExtension(rawData).names.items);
      return {
        subject: request.subject,
        // Whatever its kind: a name that is asked for must not pass because nobody looked.
        names: [...request.subjectName.getField('CN'), ...alternatives.map(({ value }) => value)],
      };
    },

    async createAuthority({ notBefore, notAfter }) {
      const x509 = await library();
      const keys = await webcrypto.subtle.generateKey(P256, true, ['sign', 'verify']);
      const keyId = await x509.SubjectKeyIdentifierExtension.create(keys.publicKey);
      const certificate = await x509.X509CertificateGenerator.createSelfSigned({
        // Two authorities never have the same name.
        name: [{ CN: [`core-api device CA ${keyId.keyId.slice(0, 8)}`] }],
        serialNumber: newSerial(),
        ...datesOf({ notBefore, notAfter }),
        keys,
        signingAlgorithm: SIGNING,
        extensions: [
          new x509.BasicConstraintsExtension(true, 0, true),
          new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
          keyId,
        ],
      });
      const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey));
      const privateKey = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' });
      return {
        certificate: `${certificate.toString('pem')}\n`,
        privateKey: privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
      };
    },

    async issue({ request: pem, name, authority, ...validity }: CertificateOrder) {
      const x509 = await library();
      const request = await verifiedRequest(pem);
      const issuer = new x509.X509Certificate(authority.certificate);
      const pkcs8 = createPrivateKey(authority.privateKey).export({ format: 'der', type: 'pkcs8' });
      const signingKey = await webcrypto.subtle.importKey('pkcs8', new Uint8Array(pkcs8), P256, false, ['sign']);
      const certificate = await x509.X509CertificateGenerator.create({
        subject: [{ CN: [name] }],
        issuer: issuer.subjectName,
        serialNumber: newSerial(),
        ...datesOf(validity),
        publicKey: request.publicKey,
        signingKey,
        signingAlgorithm: SIGNING,
        extensions: [
          new x509.BasicConstraintsExtension(false, undefined, true),
          new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
          new x509.ExtendedKeyUsageExtension([CLIENT_AUTH]),
          new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: name }]),
          await x509.SubjectKeyIdentifierExtension.create(request.publicKey),
          await x509.AuthorityKeyIdentifierExtension.create(issuer),
        ],
      });
      return readCertificate(certificate.toString('pem'));
    },
  };
}

function keyHashOf({ publicKey }: X509Certificate): string {
  return createHash('sha256')
    .update(publicKey.export({ format: 'der', type: 'spki' }))
    .digest('hex');
}

/** Positive, and never zero (RFC 5280, section 4.1.2.2). */
function newSerial(): string {
  const bytes = randomBytes(SERIAL_BYTES);
  bytes.writeUInt8((bytes.readUInt8(0) & 0x3f) | 0x40, 0);
  return bytes.toString('hex');
}

function datesOf({ notBefore, notAfter }: Validity) {
  return { notBefore: new Date(notBefore), notAfter: new Date(notAfter) };
}

function isStrong({
  name,
  namedCurve = '',
  modulusLength = 0,
}: {
  readonly name: string;
  readonly namedCurve?: string;
  readonly modulusLength?: number;
}): boolean {
  if (name === 'ECDSA') return CURVES.has(namedCurve);
  if (name.startsWith('RSA')) return modulusLength >= RSA_BITS.min && modulusLength <= RSA_BITS.max;
  return name === 'Ed25519';
}

function inOneLine(name: string): string {
  return name.split('\n').join(', ');
}

function commonNamesOf(certificate: X509Certificate): readonly string[] {
  const { CN = [] } = certificate.toLegacyObject().subject as { readonly CN?: string | readonly string[] };
  return [CN].flat();
}

/** Of the text that Node.js makes; one with quotes in it has a name that could pass for several. */
function dnsNamesOf(text: string | undefined): readonly string[] {
  if (text === undefined || text.includes('"')) return [];
  return text.split(', ').flatMap((each) => (each.startsWith('DNS:') ? [each.slice('DNS:'.length)] : []));
}
