import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Static } from 'typebox';
import { publicAddress } from '#platform/http/public-address.port.ts';
import { refuseForeign } from '#platform/http/same-site.port.ts';
import type { TokenPair } from './auth.ports.ts';
import { presentTokens, type Tokens } from './auth.schemas.ts';

export interface RefreshCookieOptions {
  readonly publicUrl: () => string;
  readonly refreshTokenDays: number;
}

/** Where the refresh token of a browser is kept: in a cookie that no script can read, if the page asks for it. */
export interface RefreshCookie {
  /** Whether the request says that its refresh token is in the cookie, or is to be. */
  isWanted(request: Pick<FastifyRequest, 'headers'>): boolean;
  /** The answer with a pair: with the refresh token in the cookie when that is wanted, else in the body. */
  present(request: FastifyRequest, reply: FastifyReply, pair: TokenPair): Static<typeof Tokens>;
  /**
   * The refresh token of the cookie; null: there is none.
   * @throws AppError `forbidden` when a page of another site asks
   */
  read(request: FastifyRequest): string | null;
  /** Removes the cookie, if the request says that it has one. */
  clear(request: FastifyRequest, reply: FastifyReply): void;
}

const COOKIE = 'core_api_refresh';
const COOKIE_HEADER = 'x-refresh-cookie';
const PATH = '/api/v1/auth/refresh';
const DAY_SECONDS = 86_400;

/**
 * HttpOnly, SameSite=Strict, and for the address of the exchange alone. The header that asks for it protects it too: a
 * page of another origin can send none, unless CORS lets it, and then its requests carry no cookie.
 */
export function createRefreshCookie({ publicUrl, refreshTokenDays }: RefreshCookieOptions): RefreshCookie {
  const isWanted = ({ headers }: Pick<FastifyRequest, 'headers'>) => headers[COOKIE_HEADER] === '1';

  function set(request: FastifyRequest, reply: FastifyReply, value: string, maxAge: number): void {
    const { basePath, isTls } = publicAddress(publicUrl());
    const secure = isTls || request.protocol === 'https';
    reply.setCookie(COOKIE, value, { path: `${basePath}${PATH}`, maxAge, httpOnly: true, sameSite: 'strict', secure });
  }

  return {
    isWanted,
    present(request, reply, pair) {
      // RFC 6749 section 5.1
      reply.header('cache-control', 'no-store');
      if (!isWanted(request)) return presentTokens(pair);
      set(request, reply, pair.refreshToken, refreshTokenDays * DAY_SECONDS);
      const { refresh_token: _, ...shown } = presentTokens(pair);
      return shown;
    },
    read(request) {
      refuseForeign(request);
      return request.cookies[COOKIE] || null;
    },
    clear(request, reply) {
      if (isWanted(request)) set(request, reply, '', 0);
    },
  };
}
