import { createHash, randomBytes, randomUUID, timingSafeEqual } from 'node:crypto';
import type { Clock } from './clock.ts';

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

/**
 * Makes random identifiers that sort, as text, in the order in which they were made by one process
 * (UUID version 7 with its counter, RFC 9562 section 6.2 method 1).
 */
export function createOrderedIds(clock: Clock): () => string {
  let lastMs = 0;
  let counter = 0;
  return () => {
    const now = clock.now();
    counter = now > lastMs ? 0 : counter + 1;
    // 12 bits; a fuller millisecond borrows the next one.
    lastMs = Math.max(now, lastMs) + (counter > 0xfff ? 1 : 0);
    counter &= 0xfff;
    const time = lastMs.toString(16).padStart(12, '0');
    const random = randomBytes(8);
    random.writeUInt8((random.readUInt8(0) & 0x3f) | 0x80, 0);
    const tail = random.toString('hex');
    return `${time.slice(0, 8)}-${time.slice(8)}-7${counter.toString(16).padStart(3, '0')}-${tail.slice(0, 4)}-${tail.slice(4)}`;
  };
}
