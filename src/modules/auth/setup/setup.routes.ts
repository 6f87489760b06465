import { userErrors } from '#modules/users/index.ts';
import { type HttpRoutes, originOf } from '#platform/http/http.port.ts';
import { CookieHeaders, Tokens } from '../auth.schemas.ts';
import type { RefreshCookie } from '../refresh-cookie.ts';
import { setupErrors } from './setup.errors.ts';
import { SetupBody, SetupView } from './setup.schemas.ts';
import type { SetupService } from './setup.service.ts';

const tags = ['system'];

/** What else a page to sign in offers. */
export interface WaysIn {
  readonly registrationOpen: boolean;
  readonly sendsEmail: boolean;
}

/** `/api/v1/system/setup` */
export function createSetupRoutes(setup: SetupService, cookie: RefreshCookie, open: WaysIn): HttpRoutes {
  return (app) => {
    app.get(
      '/',
      {
        config: { access: 'public' },
        schema: {
          tags,
          operationId: 'getSetup',
          summary: 'What a page to sign in has to offer',
          description:
            'Whether the first user is still to be made: true until there is one, then false for ever. Whether people may ' +
            'register, and whether a forgotten password can be replaced by e-mail.',
          response: { 200: SetupView },
        },
      },
      async () => ({
        needed: await setup.isNeeded(),
        registration_open: open.registrationOpen,
        sends_email: open.sendsEmail,
      }),
    );

    app.post(
      '/',
      {
        config: {
          access: 'public',
          problems: [
            setupErrors.setup_code_refused,
            setupErrors.too_many_setup_codes,
            userErrors.setup_done,
            userErrors.password_checks_busy,
          ],
        },
        schema: {
          tags,
          operationId: 'setUp',
          summary: 'Make the first user',
          description:
            'A SUPERADMIN, signed in at once, for whoever has the code that the server printed when it started. 401 ' +
            '`setup_code_refused` for another code; after ten from one address in 15 minutes: 429 with `Retry-After`. ' +
            '409 `setup_done` as soon as there is, or was, any user.',
          headers: CookieHeaders,
          body: SetupBody,
          response: { 201: Tokens },
        },
      },
      async (request, reply) => {
        const { full_name: fullName = null, ...input } = request.body;
        const pair = await setup.run({ ...input, fullName }, originOf(request));
        reply.code(201);
        return cookie.present(request, reply, pair);
      },
    );
  };
}
