import type { FastifyRequest, RouteOptions } from 'fastify';
import { assertMayChange, type Principal, type UserRole } from '#kernel/access.ts';
import { commonErrors } from '#kernel/errors.ts';
import type { CounterStore } from '../cache/cache.port.ts';
import { type AccessRule, type HttpAuthenticator, originOf } from './http.port.ts';

/** How much a USER may change: what each change leaves in the audit trail is kept for ever. */
export interface WriteLimit {
  readonly max: number;
  readonly windowMs: number;
  readonly counters: CounterStore;
}

const SAFE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'QUERY']);

/**
 * Enforces each route's `config.access`, see `AccessRule`. An `onRoute` hook that adds the check to the route
 * itself: so it runs behind the rate limit, and requests with bad tokens are counted like any other.
 */
export function createAccessHook(authenticator: HttpAuthenticator, writes: WriteLimit | null) {
  return (route: RouteOptions): void => {
    const rule = route.config?.access;
    if (rule === undefined) {
      throw new Error(`route ${String(route.method)} ${route.url} declares no access rule (config.access)`);
    }
    if (rule === 'public') return;
    const counted = route.config?.endsAccess === true ? null : writes;
    route.onRequest = [...[route.onRequest ?? []].flat(), createCheck(rule, authenticator, counted)];
  };
}

function createCheck(rule: Exclude<AccessRule, 'public'>, authenticator: HttpAuthenticator, writes: WriteLimit | null) {
  if (rule === 'device') {
    return async (request: FastifyRequest): Promise<void> => {
      const [username, secret] = targetToken(request) ?? basicCredentials(request.headers.authorization);
      request.device = await authenticator.device(username, secret, originOf(request));
    };
  }
  return async (request: FastifyRequest): Promise<void> => {
    const principal = await authenticate(request, rule, authenticator);
    if (writes !== null && principal.role === 'USER' && !SAFE_METHODS.has(request.method)) {
      await countWrite(principal.userId, writes);
    }
  };
}

async function authenticate(
  request: FastifyRequest,
  rule: 'bearer' | readonly UserRole[],
  authenticator: HttpAuthenticator,
): Promise<Principal> {
  const principal = await authenticator.bearer(bearerToken(request.headers.authorization));
  request.principal = { ...principal, origin: originOf(request) };
  if (rule !== 'bearer' && !rule.includes(principal.role)) throw commonErrors.forbidden();
  if (!SAFE_METHODS.has(request.method)) assertMayChange(principal);
  const isToken = principal.credential?.kind === 'personal_token';
  if (isToken && request.routeOptions.config.sessionOnly === true) throw commonErrors.session_required();
  return principal;
}

/** For what takes long: whether who asked may still have the answer. @throws AppError as at the beginning */
export function createSecondCheck(authenticator: HttpAuthenticator) {
  return async (request: FastifyRequest): Promise<void> => {
    const rule = request.routeOptions.config.access ?? 'public';
    if (rule !== 'public' && rule !== 'device') await authenticate(request, rule, authenticator);
  };
}

async function countWrite(userId: number, { max, windowMs, counters }: WriteLimit): Promise<void> {
  const { count, resetInMs } = await counters.increment(`writes:${userId}`, windowMs);
  if (count <= max) return;
  throw commonErrors.rate_limited({
    detail: `At most ${max} changes in ${windowMs / 1000} s.`,
    details: { retryAfterSeconds: Math.max(1, resetInMs / 1000) },
  });
}

function bearerToken(header: string | undefined): string {
  if (header === undefined || !/^bearer /i.test(header)) throw commonErrors.authentication_required();
  return header.slice('bearer '.length);
}

/** As hawkBit's clients send it: the secret alone, of the device that the address names. */
function targetToken({ headers, params }: FastifyRequest): [username: string, password: string] | null {
  const { controller_id: deviceUid } = (params ?? {}) as { readonly controller_id?: string };
  const [, secret] = /^targettoken (\S+)$/i.exec(headers.authorization ?? '') ?? [];
  return deviceUid === undefined || secret === undefined ? null : [deviceUid, secret];
}

export function basicCredentials(header: string | undefined): [username: string, password: string] {
  const missing = () =>
    commonErrors.authentication_required({ detail: 'HTTP Basic with device_uid:secret is required.' });
  if (header === undefined || !/^basic /i.test(header)) throw missing();
  const decoded = Buffer.from(header.slice('basic '.length), 'base64').toString('utf8');
  const colon = decoded.indexOf(':');
  if (colon === -1) throw missing();
  return [decoded.slice(0, colon), decoded.slice(colon + 1)];
}
