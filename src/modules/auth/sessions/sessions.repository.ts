import type { Generated, Kysely } from 'kysely';
import type { UsersApi } from '#modules/users/index.ts';
import type { AuditTrail } from '#platform/audit/audit.port.ts';
import type { SqlStore } from '#platform/sql/sql.port.ts';
import { createRefreshTokenRepository } from '../auth.repository.ts';
import type { Session, SessionRepository, SessionStore, SessionUse } from './sessions.ports.ts';

interface Tables {
  user_sessions: {
    id: Generated<number>;
    user_id: number;
    family_id: string;
    user_agent: string | null;
    address: string | null;
    expires_at: number;
    ended_at: number | null;
    last_used_at: number;
    created_at: number;
    updated_at: number;
  };
}

const COLUMNS = ['id', 'user_id', 'family_id', 'user_agent', 'address', 'created_at', 'last_used_at'] as const;
const MAX_USER_AGENT = 256;
/** Behind a proxy that is trusted blindly an address can be anything. */
const MAX_ADDRESS = 64;
/** Rows that are looked at at once; there are more only where they were not bounded before. */
const MOST_AT_ONCE = 500;

export function createSessionStore(
  store: SqlStore,
  audit: AuditTrail,
  users: Pick<UsersApi, 'credentialsOn'>,
): SessionStore {
  return {
    get tokens() {
      return createRefreshTokenRepository(store.db());
    },
    get sessions() {
      return createSessionRepository(store.db());
    },
    transaction: (work) =>
      store.transaction((trx) =>
        work({
          tokens: createRefreshTokenRepository(trx as never),
          sessions: createSessionRepository(trx as never),
          credentials: users.credentialsOn(trx),
          audit: audit.on(trx),
        }),
      ),
  };
}

export function createSessionRepository(db: Kysely<Tables>): SessionRepository {
  const ending = (now: number) =>
    db.updateTable('user_sessions').set({ ended_at: now, updated_at: now }).where('ended_at', 'is', null);
  const live = (userId: number, now: number) =>
    db
      .selectFrom('user_sessions')
      .select(COLUMNS)
      .where('user_id', '=', userId)
      .where('ended_at', 'is', null)
      .where('expires_at', '>', now)
      .orderBy('last_used_at', 'desc')
      .orderBy('id', 'desc');

  return {
    async insert({ userId, familyId, ...use }) {
      await db
        .insertInto('user_sessions')
        .values({ user_id: userId, family_id: familyId, ended_at: null, created_at: use.now, ...columnsOf(use) })
        .execute();
    },
    async use(familyId, use) {
      await db.updateTable('user_sessions').set(columnsOf(use)).where('family_id', '=', familyId).execute();
    },
    async list(userId, now) {
      return (await live(userId, now).limit(MOST_AT_ONCE).execute()).map(toSession);
    },
    async find(userId, id, now) {
      const row = await live(userId, now).where('id', '=', id).executeTakeFirst();
      return row === undefined ? null : toSession(row);
    },
    async listBeyond(count, userId, now) {
      return (await live(userId, now).offset(count).limit(MOST_AT_ONCE).execute()).map(toSession);
    },
    async end(familyId, now) {
      await ending(now).where('family_id', '=', familyId).execute();
    },
    async endAllOf(userId, now) {
      await ending(now).where('user_id', '=', userId).execute();
    },
    async endedSince(userId, since) {
      const rows = await db
        .selectFrom('user_sessions')
        .select('family_id')
        .where('user_id', '=', userId)
        .where('ended_at', '>=', since)
        .execute();
      return rows.map(({ family_id: familyId }) => familyId);
    },
    async removeOld(before) {
      await db.deleteFrom('user_sessions').where('expires_at', '<', before).execute();
      await db.deleteFrom('user_sessions').where('ended_at', '<', before).execute();
    },
  };
}

function columnsOf({ userAgent, address, now, expiresAt }: SessionUse) {
  return {
    user_agent: userAgent?.slice(0, MAX_USER_AGENT) ?? null,
    address: address.slice(0, MAX_ADDRESS),
    expires_at: expiresAt,
    last_used_at: now,
    updated_at: now,
  };
}

type Row = Pick<Tables['user_sessions'], Exclude<(typeof COLUMNS)[number], 'id'>> & { readonly id: number };

function toSession(row: Row): Session {
  return {
    id: row.id,
    userId: row.user_id,
    familyId: row.family_id,
    userAgent: row.user_agent,
    address: row.address,
    createdAt: row.created_at,
    lastUsedAt: row.last_used_at,
  };
}
