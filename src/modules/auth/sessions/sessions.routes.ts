import { Type } from 'typebox';
import { type HttpRoutes, principalOf } from '#platform/http/http.port.ts';
import { CookieHeaders } from '../auth.schemas.ts';
import type { RefreshCookie } from '../refresh-cookie.ts';
import { sessionErrors } from './sessions.errors.ts';
import { presentSession, SessionListQuery, SessionPage, SessionParams } from './sessions.schemas.ts';
import type { SessionsService } from './sessions.service.ts';

const tags = ['auth'];

/** `/api/v1/auth/sessions` */
export function createSessionsRoutes(sessions: SessionsService, cookie: RefreshCookie): HttpRoutes {
  return (app) => {
    app.get(
      '/',
      {
        config: { access: 'bearer' },
        schema: {
          tags,
          operationId: 'listMySessions',
          summary: 'Where am I signed in',
          description:
            'Your sessions, at most 100, the one that was used last first unless sorted by last_used_at, created_at, address or ' +
            'user_agent. `q` looks into address and user agent.',
          querystring: SessionListQuery,
          response: { 200: SessionPage },
        },
      },
      async (request) => {
        const page = await sessions.list(principalOf(request), request.query);
        return { ...page, items: page.items.map(presentSession) };
      },
    );

    app.delete(
      '/:session_id',
      {
        config: { access: 'bearer', endsAccess: true, sessionOnly: true, problems: [sessionErrors.session_not_found] },
        schema: {
          tags,
          operationId: 'endMySession',
          summary: 'Sign out one session',
          description:
            'Revokes its refresh tokens and ends its access tokens and live connections at once, in every process. ' +
            'Your own session too. 404 `session_not_found` for one that has ended, or is not yours.',
          headers: CookieHeaders,
          params: SessionParams,
          response: { 204: Type.Null({ description: 'Done' }) },
        },
      },
      async (request, reply) => {
        const { isCurrent } = await sessions.end(principalOf(request), request.params.session_id);
        if (isCurrent) cookie.clear(request, reply);
        return reply.code(204).send(null);
      },
    );
  };
}
