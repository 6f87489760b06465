import { createHash, randomBytes, randomUUID, timingSafeEqual } from 'node:crypto';

/** A random identifier for requests, tokens and messages (UUID v4). */
export function createId(): string {
  return randomUUID();
}

/** A secret of `bytes` random bytes, base64url without padding. 32 bytes are 256 bits. */
export function createSecret(bytes = 32): string {
  return randomBytes(bytes).toString('base64url');
}

/**
 * SHA-256 (hex) of a high-entropy secret, for storage. Not for passwords: those need argon2id.
 */
export function hashSecret(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}

/** Compares a presented secret with a stored `hashSecret` in constant time. */
export function secretMatches(presented: string, storedHash: string): boolean {
  const presentedHash = Buffer.from(hashSecret(presented), 'hex');
  const stored = Buffer.from(storedHash, 'hex');
  return stored.length === presentedHash.length && timingSafeEqual(stored, presentedHash);
}
