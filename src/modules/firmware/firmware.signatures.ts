import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { canonicalJson } from '#kernel/canonical-json.ts';
import { firmwareErrors } from './firmware.errors.ts';
import type { Manifest } from './firmware.manifest.ts';

/** A key that signs images (Ed25519, RFC 8032). */
export interface PublicKey {
  /** First 16 hex digits of the SHA-256 of the raw key. */
  readonly keyId: string;
  /** Raw, base64: 32 bytes. */
  readonly publicKey: string;
}

/** Of a raw key, DER puts this before it (RFC 8410). */
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');
const RAW_BYTES = 32;

/** @param text PEM, or the raw key in base64. @throws AppError `firmware_key_invalid` */
export function readPublicKey(text: string): PublicKey {
  try {
    const key = text.includes('-----BEGIN') ? createPublicKey(text) : fromRaw(Buffer.from(text, 'base64'));
    if (key.asymmetricKeyType === 'ed25519') return describe(key);
  } catch {
    // Said below.
  }
  const fields = [{ path: '/public_key', message: 'must be an Ed25519 public key, as PEM or as 32 bytes in base64' }];
  throw firmwareErrors.firmware_key_invalid({ details: { fields } });
}

/** @param pem PKCS #8. @throws when it is no Ed25519 key */
export function publicKeyOf(pem: string | Buffer): PublicKey {
  return describe(createPublicKey(privateKey(pem)));
}

/** @returns base64 */
export function signManifest(manifest: Manifest, pem: string | Buffer): string {
  return sign(null, Buffer.from(canonicalJson(manifest)), privateKey(pem)).toString('base64');
}

export function isSignedBy(manifest: Manifest, signature: string, { publicKey }: PublicKey): boolean {
  const key = fromRaw(Buffer.from(publicKey, 'base64'));
  return verify(null, Buffer.from(canonicalJson(manifest)), key, Buffer.from(signature, 'base64'));
}

function privateKey(pem: string | Buffer): KeyObject {
  const key = createPrivateKey(pem);
  if (key.asymmetricKeyType !== 'ed25519') throw new Error('The key is no Ed25519 key.');
  return key;
}

function fromRaw(raw: Buffer): KeyObject {
  if (raw.length !== RAW_BYTES) throw new Error('not 32 bytes');
  return createPublicKey({ key: Buffer.concat([SPKI_PREFIX, raw]), format: 'der', type: 'spki' });
}

function describe(key: KeyObject): PublicKey {
  const raw = key.export({ format: 'der', type: 'spki' }).subarray(SPKI_PREFIX.length);
  const keyId = createHash('sha256').update(raw).digest('hex').slice(0, 16);
  return { keyId, publicKey: raw.toString('base64') };
}
