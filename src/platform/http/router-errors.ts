import type { IncomingMessage } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import findMyWay, { type HTTPMethod } from 'find-my-way';
import { commonErrors } from '#kernel/errors.ts';
import type { HttpApp } from './http.port.ts';

/** Longer than an address can be: the route's schema judges each part, and answers 422. */
export const MAX_PARAM_LENGTH = 64 * 1024;

type Hook = (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>;

/**
 * What leads to no route goes through the hooks of every request, and ends there: an address that cannot be decoded
 * (400) or is not there (404), a method that it does not take (405). Before anything of a body is read.
 * @param limit the rate limit, which otherwise belongs to routes
 */
export function refuseUnroutable(app: HttpApp, unreadable: WeakSet<IncomingMessage>, limit: Hook | null): void {
  const methodsOf = rememberRoutes(app);
  app.addHook('onRequest', async (request, reply) => {
    const isUnreadable = unreadable.has(request.raw);
    const isWithoutHost = request.headers.host === undefined && request.raw.httpVersion === '1.1';
    if (!request.is404 && !isUnreadable && !isWithoutHost) return;
    await limit?.(request, reply);
    if (isUnreadable) throw commonErrors.malformed_request({ detail: 'The address is malformed.' });
    if (isWithoutHost) throw commonErrors.malformed_request({ detail: 'The request has no Host.' });
    const methods = methodsOf(request.url);
    if (methods.length === 0) throw commonErrors.not_found();
    reply.header('allow', methods.join(', '));
    throw commonErrors.method_not_allowed({ detail: `This address takes ${methods.join(', ')}.` });
  });
  // For routes that find out themselves, such as those of files.
  app.setNotFoundHandler(() => {
    throw commonErrors.not_found();
  });
}

/** Fastify's router answers for one method; this one, of the same kind, tells which methods an address takes. */
function rememberRoutes(app: HttpApp): (url: string) => readonly string[] {
  const router = findMyWay({ ignoreTrailingSlash: true, maxParamLength: MAX_PARAM_LENGTH });
  const known = new Map<string, Set<string>>();
  app.addHook('onRoute', ({ method, url }) => {
    // The answer of CORS to a preflight is at every address.
    if (url === '*') return;
    const address = url.replace(/(.)\/$/, '$1');
    for (const each of [method].flat()) {
      const addresses = known.get(each) ?? new Set();
      if (addresses.has(address)) continue;
      known.set(each, addresses.add(address));
      router.on(each as HTTPMethod, address, () => {});
    }
  });
  return (url) => {
    const [path = '/'] = url.split('?');
    return [...known.keys()].filter((method) => router.find(method as HTTPMethod, path) !== null);
  };
}
