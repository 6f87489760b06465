import { Type } from 'typebox';
import { userErrors } from '#modules/users/index.ts';
import { type HttpRoutes, originOf, principalOf } from '#platform/http/http.port.ts';
import { secretErrors } from '#platform/secrets/secret-box.port.ts';
import { authErrors } from '../auth.errors.ts';
import { CookieHeaders, Tokens } from '../auth.schemas.ts';
import type { RefreshCookie } from '../refresh-cookie.ts';
import { twoFactorErrors } from './two-factor.errors.ts';
import { ConfirmBody, EnrolmentView, RecoveryCodes, RemovalBody, SecondLoginBody } from './two-factor.schemas.ts';
import type { TwoFactorService } from './two-factor.service.ts';

const tags = ['auth'];

/** `/api/v1/auth` */
export function createTwoFactorRoutes(twoFactor: TwoFactorService, cookie: RefreshCookie): HttpRoutes {
  return (app) => {
    app.post(
      '/login/2fa',
      {
        config: {
          access: 'public',
          problems: [
            twoFactorErrors.second_factor_ticket_invalid,
            twoFactorErrors.second_factor_refused,
            twoFactorErrors.too_many_codes,
            authErrors.account_inactive,
            secretErrors.config_key_away,
          ],
        },
        schema: {
          tags,
          operationId: 'signInWithSecondFactor',
          summary: 'Finish signing in with a code',
          description:
            'For whom signing in answered 401 `second_factor_required`: with its ticket, and a code of the app or a recovery ' +
            'code, each of which is good once. 401 `second_factor_refused` for a code that is wrong or was used; after five ' +
            'in 15 minutes for one user and address, or 50 in a day: 429 with `Retry-After`. 401 `second_factor_ticket_invalid`: sign in again.',
          headers: CookieHeaders,
          body: SecondLoginBody,
          response: { 200: Tokens },
        },
      },
      async (request, reply) => {
        const { ticket, code } = request.body;
        return cookie.present(request, reply, await twoFactor.signIn(ticket, code, originOf(request)));
      },
    );

    app.post(
      '/2fa/totp',
      {
        config: {
          access: 'bearer',
          sessionOnly: true,
          problems: [userErrors.user_not_found, twoFactorErrors.second_factor_on, secretErrors.config_key_away],
        },
        schema: {
          tags,
          operationId: 'enrolSecondFactor',
          summary: 'Ask for the secret of a second factor',
          description:
            'For an authenticator app (RFC 6238: SHA-1, 6 digits, 30 seconds). It does nothing before ' +
            'POST /api/v1/auth/2fa/totp/confirm; asked for again, it is another one. 409 `second_factor_on` when there is ' +
            'one in use.',
          response: { 201: EnrolmentView },
        },
      },
      async (request, reply) => {
        const { secret, otpauthUrl } = await twoFactor.enrol(principalOf(request));
        reply.code(201).header('cache-control', 'no-store');
        return { secret, otpauth_url: otpauthUrl };
      },
    );

    app.post(
      '/2fa/totp/confirm',
      {
        config: {
          access: 'bearer',
          sessionOnly: true,
          problems: [
            twoFactorErrors.second_factor_on,
            twoFactorErrors.second_factor_not_begun,
            twoFactorErrors.second_factor_wrong,
            twoFactorErrors.too_many_codes,
            secretErrors.config_key_away,
          ],
        },
        schema: {
          tags,
          operationId: 'confirmSecondFactor',
          summary: 'Switch the second factor on',
          description:
            'With a first code of the app. Answers 10 recovery codes, which are shown only now. 422 `second_factor_wrong` ' +
            'for a wrong code; after five in 15 minutes: 429 with `Retry-After`.',
          body: ConfirmBody,
          response: { 200: RecoveryCodes },
        },
      },
      async (request, reply) => {
        const codes = await twoFactor.confirm(principalOf(request), request.body.code);
        reply.header('cache-control', 'no-store');
        return { recovery_codes: [...codes] };
      },
    );

    app.delete(
      '/2fa/totp',
      {
        config: {
          access: 'bearer',
          sessionOnly: true,
          problems: [
            userErrors.user_not_found,
            userErrors.second_factor_not_set,
            userErrors.password_checks_busy,
            twoFactorErrors.second_factor_wrong,
            twoFactorErrors.too_many_codes,
            secretErrors.config_key_away,
          ],
        },
        schema: {
          tags,
          operationId: 'removeMySecondFactor',
          summary: 'Switch the second factor off',
          description:
            'With the password, or a code of the app or a recovery code; exactly one of them. 422 `second_factor_wrong` when ' +
            'it is not right; after five in 15 minutes: 429 with `Retry-After`. 404 `second_factor_not_set` when there is none.',
          body: RemovalBody,
          response: { 204: Type.Null({ description: 'Done' }) },
        },
      },
      async (request, reply) => {
        const { password, code = '' } = request.body;
        await twoFactor.remove(principalOf(request), password === undefined ? { code } : { password });
        return reply.code(204).send(null);
      },
    );
  };
}
