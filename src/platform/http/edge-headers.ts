import type { IncomingMessage } from 'node:http';
import { createId } from '#kernel/ids.ts';

const REQUEST_ID = /^[A-Za-z0-9._:-]{1,128}$/;

/** The request's own id when it is a valid one, else a new one. */
export function requestIdOf({ headers }: Pick<IncomingMessage, 'headers'>): string {
  const incoming = headers['x-request-id'];
  return typeof incoming === 'string' && REQUEST_ID.test(incoming) ? incoming : createId();
}

/** A year, as browsers ask for. Not for sub-domains, which may be somebody else's. */
const HSTS = 'max-age=31536000';

/**
 * What every answer carries, whoever gives it. A page says its own `content-security-policy`, what may be kept its own
 * `cache-control`: unless a route knows better, an answer is for the one who asked, now.
 * @param byTls whether browsers reach this server by TLS
 */
export function securityHeaders(byTls: boolean): Readonly<Record<string, string>> {
  return {
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
    'cache-control': 'no-store',
    ...(byTls ? { 'strict-transport-security': HSTS } : {}),
  };
}
