import type { Generated, Kysely } from 'kysely';
import type { UserRole } from '#kernel/access.ts';
import type { UsersApi } from '#modules/users/index.ts';
import type { AuditTrail } from '#platform/audit/audit.port.ts';
import type { SqlStore } from '#platform/sql/sql.port.ts';
import type { PersonalToken, PersonalTokenRepository, PersonalTokenStore } from './personal-tokens.ports.ts';

interface Tables {
  personal_tokens: {
    id: Generated<number>;
    user_id: number;
    name: string;
    token_hash: string;
    role: UserRole;
    is_read_only: number;
    expires_at: number | null;
    last_used_at: number | null;
    created_at: number;
    updated_at: number;
  };
}

const COLUMNS = ['id', 'user_id', 'name', 'role', 'is_read_only', 'expires_at', 'last_used_at', 'created_at'] as const;

export function createPersonalTokenStore(
  store: SqlStore,
  audit: AuditTrail,
  users: Pick<UsersApi, 'credentialsOn'>,
): PersonalTokenStore {
  return {
    get tokens() {
      return createPersonalTokenRepository(store.db<Tables>());
    },
    transaction: (work) =>
      store.transaction((trx: Kysely<Tables>) =>
        work({
          tokens: createPersonalTokenRepository(trx),
          credentials: users.credentialsOn(trx),
          audit: audit.on(trx),
        }),
      ),
  };
}

export function createPersonalTokenRepository(db: Kysely<Tables>): PersonalTokenRepository {
  const select = () => db.selectFrom('personal_tokens').select(COLUMNS);

  return {
    async insert({ userId, name, tokenHash, role, isReadOnly, expiresAt, createdAt }) {
      const { insertId } = await db
        .insertInto('personal_tokens')
        .values({
          user_id: userId,
          name,
          token_hash: tokenHash,
          role,
          is_read_only: Number(isReadOnly),
          expires_at: expiresAt,
          last_used_at: null,
          created_at: createdAt,
          updated_at: createdAt,
        })
        .executeTakeFirstOrThrow();
      return Number(insertId);
    },
    async findByHash(tokenHash) {
      const row = await select().where('token_hash', '=', tokenHash).executeTakeFirst();
      return row === undefined ? null : toToken(row);
    },
    async list(userId) {
      return (await select().where('user_id', '=', userId).orderBy('id', 'desc').execute()).map(toToken);
    },
    async noteUse(id, now) {
      await db.updateTable('personal_tokens').set({ last_used_at: now }).where('id', '=', id).execute();
    },
    async remove(userId, id) {
      const row = await select().where('id', '=', id).where('user_id', '=', userId).executeTakeFirst();
      if (row === undefined) return null;
      await db.deleteFrom('personal_tokens').where('id', '=', id).execute();
      return toToken(row);
    },
    async removeAllOf(userId) {
      await db.deleteFrom('personal_tokens').where('user_id', '=', userId).execute();
    },
    async removeExpired(before) {
      const { numDeletedRows } = await db
        .deleteFrom('personal_tokens')
        .where('expires_at', '<', before)
        .executeTakeFirstOrThrow();
      return Number(numDeletedRows);
    },
  };
}

type Row = Omit<PersonalTokenRow, 'id' | 'token_hash' | 'updated_at'> & { readonly id: number };
type PersonalTokenRow = Tables['personal_tokens'];

function toToken(row: Row): PersonalToken {
  return {
    id: row.id,
    userId: row.user_id,
    name: row.name,
    role: row.role,
    isReadOnly: row.is_read_only === 1,
    expiresAt: row.expires_at,
    lastUsedAt: row.last_used_at,
    createdAt: row.created_at,
  };
}
