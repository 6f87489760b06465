import type { Generated, Kysely } from 'kysely';
import type { AuditTrail, AuditWriter } from '#platform/audit/audit.port.ts';
import type { SqlStore } from '#platform/sql/sql.port.ts';
import type { OAuthAccountRepository, OAuthAccountStore } from './oauth.ports.ts';

interface Tables {
  oauth_accounts: {
    id: Generated<number>;
    user_id: number;
    provider: string;
    provider_uid: string;
    email: string | null;
    created_at: number;
    updated_at: number;
  };
}

export function createOAuthAccountStore(store: SqlStore, audit: AuditTrail): OAuthAccountStore {
  return {
    get accounts() {
      return createOAuthAccountRepository(store.db<Tables>(), store.isUniqueViolation);
    },
    transaction<T>(work: (accounts: OAuthAccountRepository, audit: AuditWriter) => Promise<T>) {
      return store.transaction<Tables, T>((trx) =>
        work(createOAuthAccountRepository(trx, store.isUniqueViolation), audit.on(trx)),
      );
    },
  };
}

function createOAuthAccountRepository(
  db: Kysely<Tables>,
  isUniqueViolation: (error: unknown) => boolean,
): OAuthAccountRepository {
  return {
    async listOf(userId) {
      const rows = await db
        .selectFrom('oauth_accounts')
        .select(['id', 'provider', 'email', 'created_at'])
        .where('user_id', '=', userId)
        .orderBy('id')
        .execute();
      return rows.map(({ created_at: createdAt, ...row }) => ({ ...row, createdAt }));
    },
    async find(provider, providerUid) {
      const row = await db
        .selectFrom('oauth_accounts')
        .select(['id', 'user_id'])
        .where('provider', '=', provider)
        .where('provider_uid', '=', providerUid)
        .executeTakeFirst();
      return row === undefined ? null : { id: row.id, userId: row.user_id };
    },
    async insert({ userId, provider, providerUid, email, createdAt }) {
      try {
        await db
          .insertInto('oauth_accounts')
          .values({
            user_id: userId,
            provider,
            provider_uid: providerUid,
            email,
            created_at: createdAt,
            updated_at: createdAt,
          })
          .execute();
        return true;
      } catch (error) {
        if (isUniqueViolation(error)) return false;
        throw error;
      }
    },
    async setEmail(id, email, now) {
      await db.updateTable('oauth_accounts').set({ email, updated_at: now }).where('id', '=', id).execute();
    },
    async remove(id) {
      await db.deleteFrom('oauth_accounts').where('id', '=', id).execute();
    },
  };
}
