import type { FastifyRequest, RouteOptions } from 'fastify';
import { commonErrors } from '#kernel/errors.ts';
import type { HttpAuthenticator } from './http.port.ts';

/** Enforces each route's `config.access`. See `AccessRule`. */
export function createAccessHook(authenticator: HttpAuthenticator) {
  return {
    onRoute(route: RouteOptions): void {
      if (route.config?.access === undefined) {
        throw new Error(`route ${String(route.method)} ${route.url} declares no access rule (config.access)`);
      }
    },
    async onRequest(request: FastifyRequest): Promise<void> {
      const rule = request.routeOptions.config.access;
      if (rule === undefined || rule === 'public') return;
      if (rule === 'device') {
        const [username, secret] = basicCredentials(request.headers.authorization);
        request.device = await authenticator.device(username, secret);
        return;
      }
      const principal = await authenticator.bearer(bearerToken(request.headers.authorization));
      request.principal = principal;
      if (rule !== 'bearer' && !rule.includes(principal.role)) throw commonErrors.forbidden();
    },
  };
}

function bearerToken(header: string | undefined): string {
  if (header === undefined || !/^bearer /i.test(header)) throw commonErrors.authentication_required();
  return header.slice('bearer '.length);
}

function basicCredentials(header: string | undefined): [username: string, password: string] {
  const missing = () =>
    commonErrors.authentication_required({ detail: 'HTTP Basic with device_uid:secret is required.' });
  if (header === undefined || !/^basic /i.test(header)) throw missing();
  const decoded = Buffer.from(header.slice('basic '.length), 'base64').toString('utf8');
  const colon = decoded.indexOf(':');
  if (colon === -1) throw missing();
  return [decoded.slice(0, colon), decoded.slice(colon + 1)];
}
