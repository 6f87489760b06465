import { type Static, Type } from 'typebox';
import { toIso } from '#kernel/clock.ts';
import {
  Id,
  Instant,
  Nullable,
  PageOf,
  pageQuery,
  Strict,
  searchQuery,
  sortQuery,
} from '#platform/http/http.schemas.ts';
import { type OwnSession, SESSION_SORT_FIELDS } from './sessions.ports.ts';

const SessionView = Strict('Session', {
  id: Id,
  user_agent: Nullable(
    Type.String({
      description: 'What the client calls itself',
      examples: ['Mozilla/5.0 (X11; Linux x86_64) Firefox/145.0'],
    }),
  ),
  address: Nullable(Type.String({ description: 'Where it was used last', examples: ['203.0.113.7'] })),
  current: Type.Boolean({ description: 'Whether it is the session that asks', examples: [true] }),
  created_at: Instant,
  last_used_at: Type.String({
    ...Instant,
    description: 'Of the sign-in or the latest exchange of its refresh token; not of every request',
  }),
});

export const SessionPage = PageOf(SessionView);

export const SessionListQuery = Strict({ ...pageQuery, ...sortQuery(SESSION_SORT_FIELDS), ...searchQuery });

export const SessionParams = Strict({ session_id: Id });

export function presentSession(session: OwnSession): Static<typeof SessionView> {
  return {
    id: session.id,
    user_agent: session.userAgent,
    address: session.address,
    current: session.isCurrent,
    created_at: toIso(session.createdAt),
    last_used_at: toIso(session.lastUsedAt),
  };
}
