import type { Kysely } from 'kysely';
import type { UsersApi } from '#modules/users/index.ts';
import type { AuditTrail } from '#platform/audit/audit.port.ts';
import type { SqlStore } from '#platform/sql/sql.port.ts';
import { createSingleUseTokenRepository } from '../single-use/single-use.repository.ts';
import type { SecondFactor, SecondFactorRepository, SecondFactorStore } from './two-factor.ports.ts';

interface Tables {
  second_factors: {
    user_id: number;
    secret: string;
    confirmed_at: number | null;
    last_step: number;
    created_at: number;
    updated_at: number;
  };
  recovery_codes: {
    user_id: number;
    code_hash: string;
    created_at: number;
    updated_at: number;
  };
}

export function createSecondFactorStore(
  store: SqlStore,
  audit: AuditTrail,
  users: Pick<UsersApi, 'credentialsOn'>,
): SecondFactorStore {
  return {
    get factors() {
      return createSecondFactorRepository(store.db<Tables>());
    },
    transaction: (work) =>
      store.transaction((trx: Kysely<Tables>) =>
        work({
          factors: createSecondFactorRepository(trx),
          tickets: createSingleUseTokenRepository({ db: () => trx as never }),
          credentials: users.credentialsOn(trx),
          audit: audit.on(trx),
        }),
      ),
  };
}

export function createSecondFactorRepository(db: Kysely<Tables>): SecondFactorRepository {
  const select = () => db.selectFrom('second_factors').select(['user_id', 'secret', 'confirmed_at']);

  return {
    async find(userId) {
      const row = await select().where('user_id', '=', userId).executeTakeFirst();
      return row === undefined ? null : toFactor(row);
    },
    async begin(userId, secret, now) {
      await db.deleteFrom('second_factors').where('user_id', '=', userId).where('confirmed_at', 'is', null).execute();
      if ((await select().where('user_id', '=', userId).executeTakeFirst()) !== undefined) return false;
      await db
        .insertInto('second_factors')
        .values({ user_id: userId, secret, confirmed_at: null, last_step: 0, created_at: now, updated_at: now })
        .execute();
      return true;
    },
    async confirm(userId, secret, step, now) {
      const { numUpdatedRows } = await db
        .updateTable('second_factors')
        .set({ confirmed_at: now, last_step: step, updated_at: now })
        .where('user_id', '=', userId)
        .where('secret', '=', secret)
        .where('confirmed_at', 'is', null)
        .executeTakeFirstOrThrow();
      return numUpdatedRows > 0n;
    },
    async spendStep(userId, step, now) {
      const { numUpdatedRows } = await db
        .updateTable('second_factors')
        .set({ last_step: step, updated_at: now })
        .where('user_id', '=', userId)
        .where('confirmed_at', 'is not', null)
        .where('last_step', '<', step)
        .executeTakeFirstOrThrow();
      return numUpdatedRows > 0n;
    },
    async replaceCodes(userId, hashes, now) {
      await db.deleteFrom('recovery_codes').where('user_id', '=', userId).execute();
      await db
        .insertInto('recovery_codes')
        .values(hashes.map((hash) => ({ user_id: userId, code_hash: hash, created_at: now, updated_at: now })))
        .execute();
    },
    async spendCode(userId, hash) {
      const { numDeletedRows } = await db
        .deleteFrom('recovery_codes')
        .where('user_id', '=', userId)
        .where('code_hash', '=', hash)
        .executeTakeFirstOrThrow();
      return numDeletedRows > 0n;
    },
    async removeAllOf(userId) {
      await db.deleteFrom('second_factors').where('user_id', '=', userId).execute();
      await db.deleteFrom('recovery_codes').where('user_id', '=', userId).execute();
    },
    async list() {
      return (await select().orderBy('user_id').execute()).map(toFactor);
    },
    async replaceSecret(userId, before, after) {
      await db
        .updateTable('second_factors')
        .set({ secret: after })
        .where('user_id', '=', userId)
        .where('secret', '=', before)
        .execute();
    },
  };
}

function toFactor(row: Pick<Tables['second_factors'], 'user_id' | 'secret' | 'confirmed_at'>): SecondFactor {
  return { userId: row.user_id, secret: row.secret, isConfirmed: row.confirmed_at !== null };
}
