import type { Generated, Kysely, Selectable, SelectQueryBuilder } from 'kysely';
import type { UserRole } from '#kernel/access.ts';
import { defined } from '#kernel/defined.ts';
import { type Renamed, rename, renameBack } from '#kernel/fields.ts';
import type { Language } from '#kernel/language.ts';
import { several } from '#kernel/pagination.ts';
import type { AuditTrail } from '#platform/audit/audit.port.ts';
import { countOf, readPage } from '#platform/sql/pages.port.ts';
import { containing, isLike, type SqlStore } from '#platform/sql/sql.port.ts';
import { userErrors } from './users.errors.ts';
import { PROFILE_NAMES, type UserProfile } from './users.fields.ts';
import type {
  User,
  UserAccess,
  UserChanges,
  UserFilter,
  UserRepository,
  UserSortField,
  UserStore,
  UserTokenStore,
  UserTransaction,
} from './users.ports.ts';

interface UsersTable {
  id: Generated<number>;
  email: string;
  active_email: string | null;
  hashed_pwd: string;
  role: UserRole;
  is_active: number;
  is_verified: number;
  language: Language | null;
  last_login_at: number | null;
  tokens_valid_after: number;
  credentials_version: number;
  two_factor_enabled: number;
  has_password: number;
  created_at: number;
  updated_at: number;
  deleted_at: number | null;
}

type UserProfilesTable = Renamed<UserProfile, typeof PROFILE_NAMES> & {
  user_id: number;
  created_at: number;
  updated_at: number;
};

interface Tables {
  users: UsersTable;
  user_profiles: UserProfilesTable;
}

const PROFILE_COLUMNS = Object.values(PROFILE_NAMES).map((column) => `user_profiles.${column}` as const);

const USER_COLUMNS = [
  'users.id',
  'users.email',
  'users.role',
  'users.is_active',
  'users.is_verified',
  'users.two_factor_enabled',
  'users.has_password',
  'users.last_login_at',
  'users.created_at',
  'users.updated_at',
  ...PROFILE_COLUMNS,
] as const;

const ACCESS_COLUMNS = [
  'id',
  'role',
  'is_active',
  'tokens_valid_after',
  'credentials_version',
  'two_factor_enabled',
] as const;

const NAMES = ['users.email', 'user_profiles.full_name'] as const;
const SEARCHED = [...NAMES, 'user_profiles.phone', 'user_profiles.organization'] as const;

export function createUserStore(store: SqlStore, audit: AuditTrail, tokens: UserTokenStore): UserStore {
  return {
    get users() {
      return createUserRepository(store.db<Tables>(), store.isUniqueViolation);
    },
    marksOn: (transaction) => createUserRepository(transaction, store.isUniqueViolation),
    transaction<T>(work: (transaction: UserTransaction) => Promise<T>) {
      return store.transaction<Tables, T>((trx) => {
        const users = createUserRepository(trx, store.isUniqueViolation);
        return work({ users, tokens: tokens.on(trx), audit: audit.on(trx) });
      });
    },
  };
}

function createUserRepository(db: Kysely<Tables>, isUniqueViolation: (error: unknown) => boolean): UserRepository {
  const live = () =>
    db
      .selectFrom('users')
      .innerJoin('user_profiles', 'user_profiles.user_id', 'users.id')
      .where('users.deleted_at', 'is', null);
  const access = () =>
    db
      .selectFrom('users')
      .select([...ACCESS_COLUMNS, 'hashed_pwd'])
      .where('deleted_at', 'is', null);

  return {
    async insert(user) {
      const timestamps = { created_at: user.createdAt, updated_at: user.createdAt };
      try {
        const { insertId } = await db
          .insertInto('users')
          .values({
            email: user.email,
            active_email: user.email,
            hashed_pwd: user.hashedPassword,
            role: user.role,
            is_active: Number(user.isActive),
            is_verified: Number(user.isVerified),
            language: user.language,
            last_login_at: null,
            tokens_valid_after: 0,
            credentials_version: 0,
            two_factor_enabled: 0,
            has_password: Number(user.hasPassword),
            deleted_at: null,
            ...timestamps,
          })
          .executeTakeFirstOrThrow();
        const userId = Number(insertId);
        await db
          .insertInto('user_profiles')
          .values({
            user_id: userId,
            ...rename(user, PROFILE_NAMES),
            ...timestamps,
          })
          .execute();
        return userId;
      } catch (error) {
        if (isUniqueViolation(error)) throw userErrors.email_taken({ cause: error });
        throw error;
      }
    },
    async findById(userId) {
      const row = await live().select(USER_COLUMNS).where('users.id', '=', userId).executeTakeFirst();
      return row === undefined ? null : toUser(row);
    },
    async findByEmail(email) {
      const row = await live().select(USER_COLUMNS).where('users.active_email', '=', email).executeTakeFirst();
      return row === undefined ? null : toUser(row);
    },
    async findAccess(userId) {
      const row = await access().where('id', '=', userId).executeTakeFirst();
      return row === undefined ? null : toAccess(row);
    },
    async findCredentials(by) {
      const row = await ('userId' in by
        ? access().where('id', '=', by.userId)
        : access().where('active_email', '=', by.email)
      ).executeTakeFirst();
      return row === undefined ? null : { ...toAccess(row), hashedPassword: row.hashed_pwd };
    },
    list({ page, size, sort, ...filter }) {
      const by = sort.map(({ field, direction }) => ({ field: sortColumn(field), direction }));
      const tie = { field: 'users.id', direction: sort[0]?.direction ?? 'asc' } as const;
      return readPage(filtered(live(), filter).select(USER_COLUMNS), { sort: by, tie, page, size }, toUser);
    },
    async listContacts({ ids, roles, afterId, limit }) {
      let query = db
        .selectFrom('users')
        .select(['id', 'email', 'is_verified', 'language'])
        .where('deleted_at', 'is', null)
        .where('is_active', '=', 1)
        .where('id', '>', afterId);
      if (ids !== undefined || roles !== undefined) {
        if ((ids?.length ?? 0) + (roles?.length ?? 0) === 0) return [];
        query = query.where((eb) =>
          eb.or([
            ...(ids === undefined || ids.length === 0 ? [] : [eb('id', 'in', ids)]),
            ...(roles === undefined || roles.length === 0 ? [] : [eb('role', 'in', roles)]),
          ]),
        );
      }
      const rows = await query.orderBy('id').limit(limit).execute();
      return rows.map(({ id, email, is_verified, language }) => ({
        userId: id,
        email,
        isVerified: is_verified === 1,
        language: language ?? 'en',
      }));
    },
    countActiveSuperadmins() {
      const superadmins = db
        .selectFrom('users')
        .where('role', '=', 'SUPERADMIN')
        .where('is_active', '=', 1)
        .where('deleted_at', 'is', null);
      return countOf(superadmins);
    },
    async update(userId, changes, now) {
      try {
        await db
          .updateTable('users')
          .set({ ...userColumns(changes), updated_at: now })
          .where('id', '=', userId)
          .execute();
      } catch (error) {
        if (isUniqueViolation(error)) throw userErrors.email_taken({ cause: error });
        throw error;
      }
      const profile = rename(changes, PROFILE_NAMES);
      if (Object.keys(profile).length === 0) return;
      await db
        .updateTable('user_profiles')
        .set({ ...profile, updated_at: now })
        .where('user_id', '=', userId)
        .execute();
    },
    async setPassword(userId, hashedPassword, now) {
      await db
        .updateTable('users')
        .set({ hashed_pwd: hashedPassword, has_password: 1, updated_at: now })
        .where('id', '=', userId)
        .execute();
    },
    async setLastLogin(userId, now, language) {
      const changes = { last_login_at: now, ...defined({ language }) };
      await db.updateTable('users').set(changes).where('id', '=', userId).execute();
    },
    async endTokens(userId, now) {
      await db
        .updateTable('users')
        .set((eb) => ({
          // One past now: a token of this very millisecond may have been issued before.
          tokens_valid_after: eb
            .case()
            .when('tokens_valid_after', '>', now)
            .then(eb('tokens_valid_after', '+', 1))
            .else(now + 1)
            .end(),
          credentials_version: eb('credentials_version', '+', 1),
        }))
        .where('id', '=', userId)
        .execute();
    },
    async changed(userId) {
      await db
        .updateTable('users')
        .set((eb) => ({ credentials_version: eb('credentials_version', '+', 1) }))
        .where('id', '=', userId)
        .execute();
    },
    async setSecondFactor(userId, isOn, now) {
      await db
        .updateTable('users')
        .set({ two_factor_enabled: Number(isOn), updated_at: now })
        .where('id', '=', userId)
        .execute();
    },
    async wasAny() {
      return (await db.selectFrom('users').select('id').limit(1).executeTakeFirst()) !== undefined;
    },
    async remove(userId, now) {
      await db
        .updateTable('users')
        .set({ deleted_at: now, active_email: null, updated_at: now })
        .where('id', '=', userId)
        .execute();
    },
  };
}

function filtered<O>(query: SelectQueryBuilder<Tables, 'users' | 'user_profiles', O>, filter: UserFilter) {
  let matching = query;
  if (filter.id !== undefined) matching = matching.where('users.id', 'in', several(filter.id));
  if (filter.role !== undefined) matching = matching.where('users.role', 'in', several(filter.role));
  if (filter.isActive !== undefined) matching = matching.where('users.is_active', '=', Number(filter.isActive));
  if (filter.q !== undefined) matching = matching.where(isLike(SEARCHED, containing(filter.q)));
  if (filter.named !== undefined) matching = matching.where(isLike(NAMES, containing(filter.named)));
  return matching;
}

function sortColumn(field: UserSortField) {
  return field === 'full_name' || field === 'organization'
    ? (`user_profiles.${field}` as const)
    : (`users.${field}` as const);
}

function userColumns({ role, isActive, isVerified, email }: UserChanges) {
  return {
    ...(email === undefined ? {} : { email, active_email: email }),
    ...defined({ role }),
    ...(isActive === undefined ? {} : { is_active: Number(isActive) }),
    ...(isVerified === undefined ? {} : { is_verified: Number(isVerified) }),
  };
}

type UserRow = Pick<
  Selectable<UsersTable>,
  | 'id'
  | 'email'
  | 'role'
  | 'is_active'
  | 'is_verified'
  | 'two_factor_enabled'
  | 'has_password'
  | 'last_login_at'
  | 'created_at'
  | 'updated_at'
> &
  Renamed<UserProfile, typeof PROFILE_NAMES>;

function toUser(row: UserRow): User {
  return {
    id: row.id,
    email: row.email,
    role: row.role,
    isActive: row.is_active === 1,
    isVerified: row.is_verified === 1,
    hasSecondFactor: row.two_factor_enabled === 1,
    hasPassword: row.has_password === 1,
    ...(renameBack<UserProfile, typeof PROFILE_NAMES>(row, PROFILE_NAMES) as UserProfile),
    lastLoginAt: row.last_login_at,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

function toAccess(row: Pick<Selectable<UsersTable>, (typeof ACCESS_COLUMNS)[number]>): UserAccess {
  return {
    userId: row.id,
    role: row.role,
    isActive: row.is_active === 1,
    tokensValidAfter: row.tokens_valid_after,
    credentialsVersion: row.credentials_version,
    hasSecondFactor: row.two_factor_enabled === 1,
  };
}
