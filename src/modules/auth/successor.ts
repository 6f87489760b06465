import { hkdfSync } from 'node:crypto';

/** For so long a token that was exchanged answers its successor again. */
export const GRACE_MS = 10_000;

const BYTES = 32;

/**
 * The refresh token that follows `token`: the same one each time, so that two tabs, or a client that lost the answer,
 * get the same, from any process. It is stored nowhere: it takes the token, of which there is only the hash, and the
 * salt, which is in the store for as long as the successor may be asked for (RFC 5869).
 */
export function successorOf(token: string, salt: string): string {
  const derived = hkdfSync('sha256', token, salt, 'core-api refresh token', BYTES);
  return Buffer.from(derived).toString('base64url');
}
