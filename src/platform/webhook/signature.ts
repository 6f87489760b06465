import { createHmac } from 'node:crypto';

/** Before secrets that are base64, as Standard Webhooks writes them. */
const BASE64_PREFIX = 'whsec_';

/**
 * `v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`: Standard Webhooks 1.0, symmetric
 * (https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md).
 * @param secret its UTF-8 bytes are the key; after `whsec_` the bytes that the rest is base64 of
 * @param timestamp epoch seconds
 */
export function sign(secret: string, id: string, timestamp: number, body: string): string {
  const key = secret.startsWith(BASE64_PREFIX)
    ? Buffer.from(secret.slice(BASE64_PREFIX.length), 'base64')
    : Buffer.from(secret, 'utf8');
  return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`;
}
