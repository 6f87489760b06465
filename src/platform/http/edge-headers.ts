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

/** What routes take; `OPTIONS` is the edge's own. */
export const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;

export const EXPOSED_HEADERS = [
  'X-Request-ID',
  'ETag',
  'Retry-After',
  'RateLimit-Limit',
  'RateLimit-Remaining',
  'RateLimit-Reset',
] as const;

/**
 * The CORS headers of an answer that is given before the hooks run. Where the head could not be read, nobody knows its
 * origin: then `*` stands for any, and of listed origins none can be named, so a browser hides that answer from its page.
 * @param origins those that are allowed; none: no such headers
 */
export function createCorsHeaders(
  origins: readonly string[],
): (origin: string | undefined) => Readonly<Record<string, string>> {
  if (origins.length === 0) return () => ({});
  const common = { vary: 'Origin', 'access-control-expose-headers': EXPOSED_HEADERS.join(', ') };
  const isAny = origins.includes('*');
  return (origin) => {
    const allowed = isAny ? (origin ?? '*') : origins.find((each) => each === origin);
    return allowed === undefined ? common : { ...common, 'access-control-allow-origin': allowed };
  };
}
