import type { FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { type HttpRoutes, originOf } from '#platform/http/http.port.ts';
import { oauthErrors } from '#platform/oauth/oauth.port.ts';
import { mailRequestOf } from '../account/account.routes.ts';
import { authErrors } from '../auth.errors.ts';
import { CookieHeaders, presentTokens, Tokens } from '../auth.schemas.ts';
import type { RefreshCookie } from '../refresh-cookie.ts';
import { twoFactorErrors } from '../two-factor/two-factor.errors.ts';
import { oauthSignInErrors } from './oauth.errors.ts';
import { BeginQuery, ProviderList, ProviderParams, RedeemBody } from './oauth.schemas.ts';
import { type Departure, type OAuthService, TICKET_LIFETIME_MS } from './oauth.service.ts';

const tags = ['auth'];
const COOKIE = 'core_api_oauth';
const CALLBACK_PROBLEMS = [
  ...Object.values(oauthErrors),
  oauthSignInErrors.oauth_provider_not_found,
  oauthSignInErrors.oauth_flow_unknown,
  oauthSignInErrors.oauth_email_missing,
  oauthSignInErrors.oauth_email_not_verified,
  oauthSignInErrors.oauth_user_not_verified,
  authErrors.registration_closed,
  authErrors.too_many_registrations,
  authErrors.too_many_sign_ins,
  authErrors.account_inactive,
  twoFactorErrors.second_factor_required,
] as const;
const Redirect = (description: string) => Type.Null({ description });

/** `/api/v1/auth/oauth` */
export function createOAuthRoutes(oauth: OAuthService, cookie: RefreshCookie): HttpRoutes {
  return (app) => {
    app.get(
      '/',
      {
        config: { access: 'public' },
        schema: {
          tags,
          operationId: 'listOauthProviders',
          summary: 'List the providers to sign in with',
          description: 'What a login page offers beside e-mail and password; empty where none is configured.',
          response: { 200: ProviderList },
        },
      },
      async () => ({ items: oauth.list() }),
    );

    app.get(
      '/:provider',
      {
        config: {
          access: 'public',
          problems: [oauthSignInErrors.oauth_provider_not_found, oauthErrors.oauth_provider_unavailable],
        },
        schema: {
          tags,
          operationId: 'startOauthSignIn',
          summary: 'Sign in with a provider',
          description:
            'For a browser: redirects to the provider and sets a cookie that only the callback gets. An authorization ' +
            'code flow with PKCE, state and, with OpenID Connect, nonce; to be finished within ten minutes.',
          params: ProviderParams,
          querystring: BeginQuery,
          response: { 302: Redirect('To the provider') },
        },
      },
      async (request, reply) => {
        const { code_challenge: codeChallenge = null, return_to: returnTo } = request.query;
        const from = { codeChallenge, isOfConsole: returnTo === 'console' };
        const { url, ticket } = await oauth.begin(request.params.provider, from);
        if (ticket !== null) setTicket(reply, ticket);
        return await unseen(reply).redirect(url, 302);
      },
    );

    app.get(
      '/:provider/callback',
      {
        config: { access: 'public', problems: CALLBACK_PROBLEMS },
        schema: {
          tags,
          operationId: 'completeOauthSignIn',
          summary: 'Return from a provider',
          description:
            'The provider sends the browser here, with a query of its own. Answers tokens; with OAUTH_SUCCESS_URL it ' +
            'redirects there with `?code=`, to be redeemed at POST /api/v1/auth/oauth/token, or with `?error=` and the ' +
            'code of the problem. Signs in whoever is linked to this account of the provider; else the user with the ' +
            'same e-mail address, if the provider and we have both verified it (409 otherwise); else a new USER. ' +
            '401 `second_factor_required` with a ticket for POST /api/v1/auth/login/2fa where a second factor is on. ' +
            '403 `oauth_denied` for whoever said no at the provider, `account_inactive` for a deactivated user.',
          params: ProviderParams,
          response: { 200: Tokens, 302: Redirect('To OAUTH_SUCCESS_URL') },
        },
      },
      async (request, reply) => {
        const { provider } = request.params;
        // Whatever comes of it: the ticket was good for this one answer.
        setTicket(unseen(reply), { value: '', ...oauth.callbackOf(provider) });
        const ticket = request.cookies[COOKIE] || null;
        const arrival = await oauth.finish(provider, queryOf(request), ticket, mailRequestOf(request));
        if ('url' in arrival) return await reply.redirect(arrival.url, 302);
        return presentTokens(arrival.pair);
      },
    );

    app.post(
      '/token',
      {
        config: {
          access: 'public',
          problems: [
            oauthSignInErrors.oauth_code_invalid,
            authErrors.account_inactive,
            twoFactorErrors.second_factor_required,
            authErrors.too_many_sign_ins,
          ],
        },
        schema: {
          tags,
          operationId: 'redeemOauthCode',
          summary: 'Redeem the code of a sign-in with a provider',
          description:
            'For the page at OAUTH_SUCCESS_URL. 401 `oauth_code_invalid` for a code that was used, has expired, or whose ' +
            '`code_verifier` does not fit, and `second_factor_required` with a ticket where a second factor is on; 403 ' +
            '`account_inactive` for a deactivated user.',
          headers: CookieHeaders,
          body: RedeemBody,
          response: { 200: Tokens },
        },
      },
      async (request, reply) => {
        const { code, code_verifier: verifier = null } = request.body;
        return cookie.present(request, unseen(reply), await oauth.redeem(code, verifier, originOf(request)));
      },
    );
  };
}

/** RFC 6749 section 5.1; and no page that is linked to may learn of the query. */
function unseen<T extends Pick<FastifyReply, 'header'>>(reply: T): T {
  reply.header('cache-control', 'no-store');
  reply.header('referrer-policy', 'no-referrer');
  return reply;
}

/** Lax: it comes along when the provider sends the browser back, and with nothing that another site does by itself. */
function setTicket(reply: FastifyReply, { value, path, isSecure }: NonNullable<Departure['ticket']>) {
  const maxAge = value === '' ? 0 : TICKET_LIFETIME_MS / 1000;
  reply.setCookie(COOKIE, value, { path, maxAge, httpOnly: true, sameSite: 'lax', secure: isSecure });
}

function queryOf({ url }: Pick<FastifyRequest, 'url'>): string {
  const start = url.indexOf('?');
  return start === -1 ? '' : url.slice(start);
}
