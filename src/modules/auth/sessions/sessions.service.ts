import type { Principal } from '#kernel/access.ts';
import type { Clock } from '#kernel/clock.ts';
import type { EventBus } from '#kernel/events.ts';
import type { Page } from '#kernel/pagination.ts';
import { pageOfAll, type SmallListQuery } from '#kernel/small-lists.ts';
import { sessionErrors } from './sessions.errors.ts';
import type { OwnSession, Session, SessionSortField, SessionStore } from './sessions.ports.ts';

export interface SessionsServiceDeps {
  readonly store: SessionStore;
  readonly clock: Clock;
  readonly events: EventBus;
}

export type SessionsService = ReturnType<typeof createSessionsService>;

/** Where somebody is signed in, and signing out there. */
export function createSessionsService({ store, clock, events }: SessionsServiceDeps) {
  const isCurrent = ({ credential }: Principal, { familyId }: Session) =>
    credential?.kind === 'session' && credential.sessionId === familyId;

  return {
    /** The one that was used last first, unless sorted otherwise. @throws AppError `invalid_sort` */
    async list(actor: Principal, query: SmallListQuery): Promise<Page<OwnSession>> {
      const sessions = await store.sessions.list(actor.userId, clock.now());
      const own = sessions.map((session) => ({ ...session, isCurrent: isCurrent(actor, session) }));
      return pageOfAll<OwnSession, SessionSortField>(own, query, {
        fields: {
          last_used_at: ({ lastUsedAt }) => lastUsedAt,
          created_at: ({ createdAt }) => createdAt,
          address: ({ address }) => address,
          user_agent: ({ userAgent }) => userAgent,
        },
        searched: ({ address, userAgent }) => [address, userAgent],
        fallback: [{ field: 'last_used_at', direction: 'desc' }],
      });
    },

    /**
     * Ends one of the caller's sessions, with every token that was issued in it.
     * @returns it
     * @throws AppError `session_not_found`
     */
    async end(actor: Principal, id: number): Promise<OwnSession> {
      const { userId } = actor;
      const session = await store.transaction(async ({ sessions, tokens, credentials, audit }) => {
        const now = clock.now();
        const found = await sessions.find(userId, id, now);
        if (found === null) throw sessionErrors.session_not_found();
        await tokens.revokeFamily(found.familyId, now);
        await sessions.end(found.familyId, now);
        await credentials.changed(userId);
        const details = { session_id: id };
        const on = { resourceType: 'user', resourceId: String(userId) };
        await audit.record({ actor, ...on, action: 'auth.session_ended', details });
        return found;
      });
      events.emit('auth.access_ended', clock.now(), { user_id: userId });
      return { ...session, isCurrent: isCurrent(actor, session) };
    },
  };
}
