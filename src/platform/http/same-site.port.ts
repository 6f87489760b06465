import type { FastifyRequest } from 'fastify';
import { commonErrors } from '#kernel/errors.ts';

/**
 * For what a browser proves with a cookie, which it sends whoever's page asks.
 * @throws AppError `forbidden` for what a browser asks for on behalf of another site's page
 */
export function refuseForeign(request: Pick<FastifyRequest, 'headers' | 'host'>): void {
  const site = request.headers['sec-fetch-site'];
  const { origin } = request.headers;
  const isForeign =
    site === undefined
      ? origin !== undefined && (!URL.canParse(origin) || new URL(origin).host !== request.host)
      : site !== 'same-origin' && site !== 'none';
  if (isForeign) throw commonErrors.forbidden({ detail: 'This was asked for by a page of another site.' });
}
