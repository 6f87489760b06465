import { Type } from 'typebox';
import { commonErrors, isAppError } from '#kernel/errors.ts';
import { userErrors } from '#modules/users/index.ts';
import { type HttpRoutes, originOf, principalOf } from '#platform/http/http.port.ts';
import { mailRequestOf } from './account/account.routes.ts';
import { authErrors } from './auth.errors.ts';
import type { Jwks } from './auth.ports.ts';
import { CookieHeaders, JwksView, LoginBody, RefreshBody, RegisterBody, Tokens } from './auth.schemas.ts';
import type { AuthService } from './auth.service.ts';
import type { RefreshCookie } from './refresh-cookie.ts';
import { twoFactorErrors } from './two-factor/two-factor.errors.ts';

const tags = ['auth'];

/** `/api/v1/auth` */
export function createAuthRoutes(auth: AuthService, cookie: RefreshCookie): HttpRoutes {
  return (app) => {
    app.post(
      '/register',
      {
        config: {
          access: 'public',
          problems: [
            authErrors.registration_closed,
            authErrors.too_many_registrations,
            authErrors.too_many_sign_ins,
            userErrors.email_taken,
            userErrors.password_checks_busy,
          ],
        },
        schema: {
          tags,
          operationId: 'registerUser',
          summary: 'Register',
          description:
            'Makes a USER, sends a mail to verify the address, and signs it in. 403 `registration_closed` where only ' +
            'administrators make users. At most 20 in an hour from one address (an IPv6 /64): 429 with `Retry-After`.',
          headers: CookieHeaders,
          body: RegisterBody,
          response: { 201: Tokens },
        },
      },
      async (request, reply) => {
        const { full_name, phone, organization, ...credentials } = request.body;
        const user = {
          ...credentials,
          fullName: full_name ?? null,
          phone: phone ?? null,
          organization: organization ?? null,
        };
        const pair = await auth.register(user, mailRequestOf(request));
        reply.code(201);
        return cookie.present(request, reply, pair);
      },
    );

    app.post(
      '/login',
      {
        config: {
          access: 'public',
          problems: [
            authErrors.invalid_credentials,
            twoFactorErrors.second_factor_required,
            authErrors.account_inactive,
            authErrors.too_many_logins,
            authErrors.too_many_sign_ins,
            userErrors.password_checks_busy,
          ],
        },
        schema: {
          tags,
          operationId: 'signIn',
          summary: 'Sign in',
          description:
            'A wrong e-mail and a wrong password are the same 401. 401 `second_factor_required` with a `ticket` for ' +
            'POST /api/v1/auth/login/2fa, when the password is right and a second factor is on. 403 `account_inactive` for a deactivated user. ' +
            'After five failures for one account and address within 15 minutes, or 300 sign-ins of a USER within an hour: ' +
            '429 with `Retry-After`. Of more than 100 sessions the one that was not used for longest ends.',
          headers: CookieHeaders,
          body: LoginBody,
          response: { 200: Tokens },
        },
      },
      async (request, reply) => {
        return cookie.present(request, reply, await auth.login(request.body, originOf(request)));
      },
    );

    app.post(
      '/refresh',
      {
        config: {
          access: 'public',
          problems: [authErrors.invalid_refresh_token, authErrors.too_many_sign_ins, commonErrors.forbidden],
        },
        // With the cookie there is nothing to send.
        preValidation: async (request) => {
          request.body ??= {};
        },
        schema: {
          tags,
          operationId: 'refreshTokens',
          summary: 'Exchange a refresh token for a new pair',
          description:
            'The old refresh token is revoked. Presented again within 10 seconds, it answers the same new one: two tabs, ' +
            'or a lost answer. Later it revokes every token of that sign-in (401). After 600 within an hour for a USER: ' +
            '429 with `Retry-After`. With `X-Refresh-Cookie: 1` the token is taken from the cookie, which only a page of ' +
            'this origin can have sent (403 `forbidden`).',
          headers: CookieHeaders,
          body: RefreshBody,
          response: { 200: Tokens },
        },
      },
      async (request, reply) => {
        const { refresh_token: given } = request.body;
        const isInCookie = given === undefined && cookie.isWanted(request);
        if (given === undefined && !isInCookie) throw missingToken();
        const token = given ?? cookie.read(request);
        if (token === null) throw authErrors.invalid_refresh_token();
        try {
          return cookie.present(request, reply, await auth.refresh(token, originOf(request)));
        } catch (error) {
          if (isAppError(error) && error.code === 'invalid_refresh_token') cookie.clear(request, reply);
          throw error;
        }
      },
    );

    app.post(
      '/logout',
      {
        config: { access: 'bearer', endsAccess: true, sessionOnly: true },
        schema: {
          tags,
          operationId: 'signOut',
          summary: 'Sign out everywhere',
          description: 'Revokes every refresh token of the caller and ends the access tokens issued until now.',
          headers: CookieHeaders,
          response: { 204: Type.Null({ description: 'Done' }) },
        },
      },
      async (request, reply) => {
        await auth.logout(principalOf(request));
        cookie.clear(request, reply);
        return reply.code(204).send(null);
      },
    );
  };
}

/** `/.well-known` */
export function createJwksRoutes(jwks: () => Jwks): HttpRoutes {
  return (app) => {
    app.get(
      '/jwks.json',
      {
        config: { access: 'public' },
        schema: {
          tags,
          operationId: 'listPublicKeys',
          summary: 'Public keys',
          description: 'JSON Web Key Set (RFC 7517): verifies access tokens without a secret.',
          response: { 200: JwksView },
        },
      },
      async (_request, reply) => {
        reply.header('cache-control', 'public, max-age=300');
        return { keys: [...jwks().keys] };
      },
    );
  };
}

function missingToken() {
  const fields = [{ path: '/refresh_token', message: 'is required' }];
  return commonErrors.invalid_input({ details: { fields } });
}
