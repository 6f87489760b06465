import type { Generated, Kysely } from 'kysely';
import type { RefreshTokenRepository } from './auth.ports.ts';

interface Tables {
  refresh_tokens: {
    id: Generated<number>;
    user_id: number;
    token_hash: string;
    family_id: string;
    expires_at: number;
    is_revoked: number;
    revoked_at: number | null;
    successor_salt: string | null;
    created_at: number;
    updated_at: number;
  };
}

export function createRefreshTokenRepository(db: Kysely<Tables>): RefreshTokenRepository {
  const revoking = (now: number) =>
    db
      .updateTable('refresh_tokens')
      .set({ is_revoked: 1, revoked_at: now, updated_at: now })
      .where('is_revoked', '=', 0);

  return {
    async insert({ userId, tokenHash, familyId, expiresAt, createdAt }) {
      await db
        .insertInto('refresh_tokens')
        .values({
          user_id: userId,
          token_hash: tokenHash,
          family_id: familyId,
          expires_at: expiresAt,
          is_revoked: 0,
          revoked_at: null,
          successor_salt: null,
          created_at: createdAt,
          updated_at: createdAt,
        })
        .execute();
    },
    async findByHash(tokenHash) {
      const row = await db
        .selectFrom('refresh_tokens')
        .select([
          'id',
          'user_id',
          'family_id',
          'expires_at',
          'is_revoked',
          'revoked_at',
          'successor_salt',
          'created_at',
        ])
        .where('token_hash', '=', tokenHash)
        .executeTakeFirst();
      if (row === undefined) return null;
      return {
        id: row.id,
        userId: row.user_id,
        familyId: row.family_id,
        expiresAt: row.expires_at,
        isRevoked: row.is_revoked === 1,
        revokedAt: row.revoked_at,
        successorSalt: row.successor_salt,
        createdAt: row.created_at,
      };
    },
    async exchange(id, salt, now) {
      await revoking(now).set({ successor_salt: salt }).where('id', '=', id).execute();
    },
    async forgetSuccessors(before, familyId) {
      const forgetting = db
        .updateTable('refresh_tokens')
        .set({ successor_salt: null })
        .where('successor_salt', 'is not', null)
        .where('revoked_at', '<', before);
      await (familyId === undefined ? forgetting : forgetting.where('family_id', '=', familyId)).execute();
    },
    async revokeFamily(familyId, now) {
      // Nor does an exchange of a while ago lead to a successor any more.
      await db.updateTable('refresh_tokens').set({ successor_salt: null }).where('family_id', '=', familyId).execute();
      const { numUpdatedRows } = await revoking(now).where('family_id', '=', familyId).executeTakeFirstOrThrow();
      return Number(numUpdatedRows);
    },
    async revokeAllOf(userId, now) {
      await revoking(now).where('user_id', '=', userId).execute();
    },
    async removeExpired(before) {
      const { numDeletedRows } = await db
        .deleteFrom('refresh_tokens')
        .where('expires_at', '<', before)
        .executeTakeFirstOrThrow();
      return Number(numDeletedRows);
    },
  };
}
