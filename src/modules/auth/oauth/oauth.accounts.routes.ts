import { Type } from 'typebox';
import { userErrors } from '#modules/users/index.ts';
import { type HttpRoutes, principalOf } from '#platform/http/http.port.ts';
import type { OAuthAccountsService } from './oauth.accounts.service.ts';
import { oauthSignInErrors } from './oauth.errors.ts';
import { OAuthAccountListQuery, OAuthAccountPage, OAuthAccountParams, presentAccount } from './oauth.schemas.ts';

const tags = ['auth'];

/** `/api/v1/auth/oauth-accounts` */
export function createOAuthAccountsRoutes(accounts: OAuthAccountsService): HttpRoutes {
  return (app) => {
    app.get(
      '/',
      {
        config: { access: 'bearer' },
        schema: {
          tags,
          operationId: 'listMyOauthAccounts',
          summary: 'List my accounts at providers',
          description:
            'With which you can sign in here, in the order in which they were linked unless sorted by created_at, provider or ' +
            'email; `q` looks into both.',
          querystring: OAuthAccountListQuery,
          response: { 200: OAuthAccountPage },
        },
      },
      async (request) => {
        const page = await accounts.list(principalOf(request), request.query);
        return { ...page, items: page.items.map(presentAccount) };
      },
    );

    app.delete(
      '/:account_id',
      {
        config: {
          access: 'bearer',
          sessionOnly: true,
          problems: [
            userErrors.user_not_found,
            oauthSignInErrors.oauth_account_not_found,
            oauthSignInErrors.last_way_to_sign_in,
          ],
        },
        schema: {
          tags,
          operationId: 'removeMyOauthAccount',
          summary: 'Remove an account at a provider',
          description:
            'It signs in here no more, unless it is linked again by signing in with it. 409 `last_way_to_sign_in` when ' +
            'there is no password that you have chosen, and no other account of a provider that is configured.',
          params: OAuthAccountParams,
          response: { 204: Type.Null({ description: 'Done' }) },
        },
      },
      async (request, reply) => {
        await accounts.remove(principalOf(request), request.params.account_id);
        return reply.code(204).send(null);
      },
    );
  };
}
