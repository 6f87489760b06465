import type { Generated } from 'kysely';
import type { SqlStore } from '#platform/sql/sql.port.ts';
import type { SingleUseTokenRepository } from './single-use.ports.ts';

interface Tables {
  single_use_tokens: {
    id: Generated<number>;
    user_id: number;
    purpose: string;
    token_hash: string;
    challenge: string | null;
    method: string | null;
    expires_at: number;
    used_at: number | null;
    created_at: number;
    updated_at: number;
  };
}

/** @param store or, inside a transaction, its handle */
export function createSingleUseTokenRepository(store: Pick<SqlStore, 'db'>): SingleUseTokenRepository {
  const db = () => store.db<Tables>();
  const unused = (now: number) =>
    db().updateTable('single_use_tokens').set({ used_at: now, updated_at: now }).where('used_at', 'is', null);

  return {
    async insert({ userId, purpose, tokenHash, challenge, method, expiresAt, createdAt }) {
      await db()
        .insertInto('single_use_tokens')
        .values({
          user_id: userId,
          purpose,
          token_hash: tokenHash,
          challenge,
          method,
          expires_at: expiresAt,
          used_at: null,
          created_at: createdAt,
          updated_at: createdAt,
        })
        .execute();
    },
    async find(tokenHash, purpose, now) {
      const row = await db()
        .selectFrom('single_use_tokens')
        .select(['id', 'user_id', 'challenge', 'method', 'created_at'])
        .where('token_hash', '=', tokenHash)
        .where('purpose', '=', purpose)
        .where('used_at', 'is', null)
        .where('expires_at', '>', now)
        .executeTakeFirst();
      if (row === undefined) return null;
      const { id, user_id: userId, challenge, method, created_at: createdAt } = row;
      return { id, userId, challenge, method, createdAt };
    },
    async use(id, now) {
      const { numUpdatedRows } = await unused(now).where('id', '=', id).executeTakeFirstOrThrow();
      return numUpdatedRows > 0n;
    },
    async useAllOf(userId, purpose, now) {
      await unused(now).where('user_id', '=', userId).where('purpose', '=', purpose).execute();
    },
    async removeExpired(before) {
      const { numDeletedRows } = await db()
        .deleteFrom('single_use_tokens')
        .where('expires_at', '<', before)
        .executeTakeFirstOrThrow();
      return Number(numDeletedRows);
    },
  };
}
