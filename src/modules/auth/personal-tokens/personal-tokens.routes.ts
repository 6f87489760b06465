import { Type } from 'typebox';
import { type HttpRoutes, principalOf } from '#platform/http/http.port.ts';
import { personalTokenErrors } from './personal-tokens.errors.ts';
import {
  NewPersonalTokenView,
  PersonalTokenBody,
  PersonalTokenListQuery,
  PersonalTokenPage,
  PersonalTokenParams,
  presentPersonalToken,
  toPersonalToken,
} from './personal-tokens.schemas.ts';
import type { PersonalTokensService } from './personal-tokens.service.ts';

const tags = ['auth'];

/** `/api/v1/auth/tokens` */
export function createPersonalTokensRoutes(tokens: PersonalTokensService): HttpRoutes {
  return (app) => {
    app.get(
      '/',
      {
        config: { access: 'bearer' },
        schema: {
          tags,
          operationId: 'listMyTokens',
          summary: 'List my personal access tokens',
          description:
            'At most 50, the newest first unless sorted by created_at, name, role, expires_at or last_used_at; `q` looks into the ' +
            'name. Those that have expired are shown for 30 days; the tokens themselves never again.',
          querystring: PersonalTokenListQuery,
          response: { 200: PersonalTokenPage },
        },
      },
      async (request) => {
        const page = await tokens.list(principalOf(request), request.query);
        return { ...page, items: page.items.map(presentPersonalToken) };
      },
    );

    app.post(
      '/',
      {
        config: {
          access: 'bearer',
          sessionOnly: true,
          problems: [personalTokenErrors.personal_token_role, personalTokenErrors.personal_token_limit],
        },
        schema: {
          tags,
          operationId: 'createMyToken',
          summary: 'Create a personal access token',
          description:
            'For programs: it is shown wherever an access token is. It may do what its role and yours both allow, as they ' +
            'are at each request; a read-only one only GET and HEAD, and watching over Socket.IO. No such token makes or ' +
            'revokes tokens, or changes passwords, second factors or sessions. It ends when you revoke it, when it expires, ' +
            'and when you are deactivated or deleted. 403 `personal_token_role` for a role above yours, 409 ' +
            '`personal_token_limit` beyond 50.',
          body: PersonalTokenBody,
          response: { 201: NewPersonalTokenView },
        },
      },
      async (request, reply) => {
        const { token, ...record } = await tokens.create(principalOf(request), toPersonalToken(request.body));
        reply.code(201).header('cache-control', 'no-store');
        return { ...presentPersonalToken(record), token };
      },
    );

    app.delete(
      '/:token_id',
      {
        config: {
          access: 'bearer',
          endsAccess: true,
          sessionOnly: true,
          problems: [personalTokenErrors.personal_token_not_found],
        },
        schema: {
          tags,
          operationId: 'revokeMyToken',
          summary: 'Revoke a personal access token',
          description: 'It ends at once, in every process, with the live connections that it has.',
          params: PersonalTokenParams,
          response: { 204: Type.Null({ description: 'Done' }) },
        },
      },
      async (request, reply) => {
        await tokens.revoke(principalOf(request), request.params.token_id);
        return reply.code(204).send(null);
      },
    );
  };
}
