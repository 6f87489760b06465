import type { Principal } from '#kernel/access.ts';
import type { Clock } from '#kernel/clock.ts';
import type { EventBus } from '#kernel/events.ts';
import { sessionErrors } from './sessions.errors.ts';
import type { Session, SessionStore } from './sessions.ports.ts';

export interface SessionsServiceDeps {
  readonly store: SessionStore;
  readonly clock: Clock;
  readonly events: EventBus;
}

/** A session as its owner sees it. */
export interface OwnSession extends Session {
  /** Whether it is the one that asks. */
  readonly isCurrent: boolean;
}

export type SessionsService = ReturnType<typeof createSessionsService>;

/** Where somebody is signed in, and signing out there. */
export function createSessionsService({ store, clock, events }: SessionsServiceDeps) {
  const isCurrent = ({ credential }: Principal, { familyId }: Session) =>
    credential?.kind === 'session' && credential.sessionId === familyId;

  return {
    /** The one that was used last first. */
    async list(actor: Principal): Promise<readonly OwnSession[]> {
      const sessions = await store.sessions.list(actor.userId, clock.now());
      return sessions.map((session) => ({ ...session, isCurrent: isCurrent(actor, session) }));
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
