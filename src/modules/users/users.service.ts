import type { Principal, RequestOrigin } from '#kernel/access.ts';
import type { Clock } from '#kernel/clock.ts';
import { defined } from '#kernel/defined.ts';
import type { EventBus } from '#kernel/events.ts';
import { type Page, type PageQuery, parseSort, toPage } from '#kernel/pagination.ts';
import type { AuditEntry } from '#platform/audit/audit.port.ts';
import type { SqlTransaction } from '#platform/sql/sql.port.ts';
import type { Attempts } from './attempts.ts';
import type { EmailAndPassword, UsedLink } from './users.api.ts';
import { audited, on, recordUpdate } from './users.audit.ts';
import { userErrors } from './users.errors.ts';
import type { AccessChangeReason } from './users.events.ts';
import { createFounding } from './users.founding.ts';
import { asOfNow, assertGrantable, assertManageable, assertNotLastSuperadmin } from './users.policy.ts';
import {
  type AccountMails,
  type ContactQuery,
  type CreateUser,
  type PasswordHasher,
  type PasswordReset,
  PERSON_SORT_FIELDS,
  USER_SORT_FIELDS,
  type User,
  type UserChanges,
  type UserFilter,
  type UserProfile,
  type UserRepository,
  type UserStore,
  type UserTransaction,
} from './users.ports.ts';
import { assertPassword, normalizeEmail } from './users.rules.ts';

export interface UsersServiceDeps {
  readonly store: UserStore;
  readonly passwords: PasswordHasher;
  /** On the current password, of who is signed in. */
  readonly attempts: Attempts;
  readonly mails: AccountMails;
  readonly clock: Clock;
  readonly events: EventBus;
}

/** Whoever holds somebody's access token may not guess the password with it. */
const WRONG_PASSWORDS = { failures: 5, windowMs: 15 * 60_000, isForgotten: true } as const;

export type UsersService = ReturnType<typeof createUsersService>;

/**
 * Users, their profiles and who may manage whom.
 *
 * One manages users of a strictly lower role only, so no SUPERADMIN changes another: it can make one and,
 * as the only exception, step down itself (PATCH or DELETE of its own id), unless it is the last active one.
 * Everyone else changes its own profile and password under `/me` and nothing more.
 */
export function createUsersService({ store, passwords, attempts, mails, clock, events }: UsersServiceDeps) {
  function announceAccess(userId: number, reason: AccessChangeReason): void {
    events.emit('user.access_changed', clock.now(), { user_id: userId, reason });
  }

  function announceUpdate(userId: number): void {
    events.emit('user.updated', clock.now(), { user_id: userId });
  }

  /**
   * All that the user was given until now is void, as part of the change that says so. Those who keep something on the
   * strength of it, a connection for example, are told by the event after the commit.
   */
  async function endAccess({ users, tokens }: UserTransaction, userId: number, now: number): Promise<void> {
    await users.endTokens(userId, now);
    await tokens.endSessions(userId, now);
    await tokens.voidLinks(userId, ['reset_password'], now);
  }

  /** Not even what it has given to programs counts any more. */
  async function endAll(transaction: UserTransaction, userId: number, now: number): Promise<void> {
    await endAccess(transaction, userId, now);
    await transaction.tokens.endPersonalTokens(userId);
  }

  /** The user is made or changed without it: the mail can be asked for again. */
  async function askToVerify({ email, isActive, isVerified }: User, acceptLanguage?: string): Promise<void> {
    if (isActive && !isVerified) await mails.send('verify_email', email, acceptLanguage).catch(() => {});
  }

  /** Without any check of who may do so. @throws AppError `email_taken`, `invalid_input` */
  async function create(
    input: CreateUser,
    by: Pick<AuditEntry, 'actor' | 'origin'>,
    assertAllowed: (users: UserRepository) => Promise<void> = async () => {},
  ): Promise<User> {
    const email = normalizeEmail(input.email);
    assertPassword(input.password, email, '/password');
    // Most of the time it saves the hashing; the unique column decides.
    if ((await store.users.findByEmail(email)) !== null) throw userErrors.email_taken();
    const hashedPassword = await passwords.hash(input.password, (by.actor?.origin ?? by.origin)?.ip);
    const user = await store.transaction(async ({ users, audit }) => {
      await assertAllowed(users);
      const userId = await users.insert({
        email,
        hashedPassword,
        role: input.role,
        isActive: input.isActive ?? true,
        isVerified: input.isVerified ?? false,
        hasPassword: input.hasPassword ?? true,
        fullName: input.fullName ?? null,
        phone: input.phone ?? null,
        organization: input.organization ?? null,
        avatarUrl: input.avatarUrl ?? null,
        // Who makes a user for somebody else says nothing about what that one reads.
        language: by.origin?.language ?? null,
        createdAt: clock.now(),
      });
      const created = found(await users.findById(userId));
      await audit.record({ ...by, ...on(userId), action: 'user.created', details: audited(created) });
      return created;
    });
    events.emit('user.created', user.createdAt, { user_id: user.id, role: user.role });
    return user;
  }

  return {
    create: (input: CreateUser, origin?: RequestOrigin) => create(input, { actor: null, ...defined({ origin }) }),

    /** @throws AppError `role_not_grantable`, `email_taken` */
    async createAs(actor: Principal, input: CreateUser, acceptLanguage?: string): Promise<User> {
      assertGrantable(actor, input.role);
      const user = await create(input, { actor }, async (users) =>
        assertGrantable(await asOfNow(users, actor), input.role),
      );
      await askToVerify(user, acceptLanguage);
      return user;
    },

    /** @throws AppError `user_not_found` */
    async get(userId: number): Promise<User> {
      return found(await store.users.findById(userId));
    },

    /** Newest first unless sorted otherwise. @throws AppError `invalid_sort` */
    async list(query: PageQuery & UserFilter): Promise<Page<User>> {
      const sort = parseSort(query.sort, USER_SORT_FIELDS, [{ field: 'created_at', direction: 'desc' }]);
      const { items, total } = await store.users.list({ ...query, sort });
      return toPage(items, total, query);
    },

    /** Whom a device may belong to, or an alert be given to: by e-mail unless sorted otherwise. @throws AppError `invalid_sort` */
    async listPeople({ q, ...query }: PageQuery & Omit<UserFilter, 'named'>): Promise<Page<User>> {
      const sort = parseSort(query.sort, PERSON_SORT_FIELDS, [{ field: 'email', direction: 'asc' }]);
      const { items, total } = await store.users.list({ ...query, ...defined({ named: q }), sort });
      return toPage(items, total, query);
    },

    async updateProfile(actor: Principal, changes: Partial<UserProfile>): Promise<User> {
      const { userId } = actor;
      const user = await store.transaction(async ({ users, audit }) => {
        const before = found(await users.findById(userId));
        await users.update(userId, changes, clock.now());
        const after = found(await users.findById(userId));
        await recordUpdate(audit, actor, before, after);
        return after;
      });
      announceUpdate(userId);
      return user;
    },

    /**
     * A new role counts for the user's next request; deactivating also ends all of its sessions, so that activating
     * again does not revive old tokens. A new e-mail address counts as not proven unless the change says so; links that
     * were mailed to the old one are void, and the new one gets a mail to verify it.
     * @throws AppError `user_not_found`, `user_not_manageable`, `role_not_grantable`, `last_superadmin`, `email_taken`
     */
    async update(actor: Principal, userId: number, given: UserChanges, acceptLanguage?: string): Promise<User> {
      const email = given.email === undefined ? undefined : normalizeEmail(given.email);
      const { user, reason, isMoved } = await store.transaction(async (transaction) => {
        const { users, tokens, audit } = transaction;
        const target = found(await users.findById(userId));
        const by = await asOfNow(users, actor);
        assertManageable(by, target);
        const newEmail = email !== undefined && email !== target.email ? { email, isVerified: false } : null;
        const changes = {
          ...given,
          ...newEmail,
          ...defined({ isVerified: given.isVerified }),
        };
        const newRole = changes.role !== undefined && changes.role !== target.role;
        const deactivated = changes.isActive === false && target.isActive;
        if (changes.role !== undefined && newRole) assertGrantable(by, changes.role);
        if (newRole || deactivated) await assertNotLastSuperadmin(users, target);
        const now = clock.now();
        await users.update(userId, email === undefined ? changes : { ...changes, email }, now);
        if (deactivated) await endAll(transaction, userId, now);
        // Whoever could have a link made for the old role may not be able to for the new one.
        else if (newRole || newEmail !== null) await tokens.voidLinks(userId, ['reset_password'], now);
        if (newEmail !== null) await tokens.voidLinks(userId, ['verify_email'], now);
        const change: AccessChangeReason | null = deactivated ? 'deactivated' : newRole ? 'role_changed' : null;
        const after = found(await users.findById(userId));
        await recordUpdate(audit, actor, target, after);
        return { user: after, reason: change, isMoved: newEmail !== null };
      });
      announceUpdate(userId);
      if (reason !== null) announceAccess(userId, reason);
      if (isMoved) await askToVerify(user, acceptLanguage);
      return user;
    },

    /**
     * A way to a new password for somebody who has lost the old one: a mail to the user, or, where none is sent, a link
     * for whoever asks to hand over.
     * @throws AppError `user_not_found`, `user_not_manageable`, `user_inactive`, `unavailable`
     */
    async requestPasswordReset(actor: Principal, userId: number, acceptLanguage?: string): Promise<PasswordReset> {
      const { email, link } = await store.transaction(async ({ users, tokens, audit }) => {
        const target = found(await users.findById(userId));
        assertManageable(await asOfNow(users, actor), target);
        if (!target.isActive) throw userErrors.user_inactive();
        const how = mails.isOn ? 'mail' : 'link';
        const token = mails.isOn ? null : await tokens.issueLink(userId, 'reset_password', clock.now());
        await audit.record({ actor, ...on(userId), action: 'user.password_reset_requested', details: { how } });
        return { email: target.email, link: token === null ? null : mails.linkTo('reset_password', token) };
      });
      if (link === null) await mails.send('reset_password', email, acceptLanguage);
      return { isMailed: link === null, link };
    },

    /**
     * For somebody who has lost the second factor and the recovery codes. Nobody does it for itself: that takes one of them.
     * @throws AppError `user_not_found`, `user_not_manageable`, `second_factor_not_set`
     */
    async removeSecondFactor(actor: Principal, userId: number): Promise<void> {
      await store.transaction(async ({ users, tokens, audit }) => {
        const target = found(await users.findById(userId));
        if (actor.userId === userId) throw userErrors.user_not_manageable();
        assertManageable(await asOfNow(users, actor), target);
        if (!target.hasSecondFactor) throw userErrors.second_factor_not_set();
        await tokens.removeSecondFactor(userId);
        await users.setSecondFactor(userId, false, clock.now());
        await audit.record({ actor, ...on(userId), action: 'user.second_factor_removed' });
      });
      announceUpdate(userId);
    },

    /** @throws AppError `user_not_found`, `user_not_manageable`, `last_superadmin` */
    async remove(actor: Principal, userId: number): Promise<void> {
      await store.transaction(async (transaction) => {
        const { users, tokens, audit } = transaction;
        const target = found(await users.findById(userId));
        assertManageable(await asOfNow(users, actor), target);
        await assertNotLastSuperadmin(users, target);
        const now = clock.now();
        await users.remove(userId, now);
        await endAll(transaction, userId, now);
        await tokens.removeSecondFactor(userId);
        await tokens.voidLinks(userId, ['verify_email'], now);
        await audit.record({ actor, ...on(userId), action: 'user.deleted', details: audited(target) });
      });
      announceAccess(userId, 'deleted');
    },

    /**
     * Ends every session of the user, the caller's own too: it signs in anew with the new password.
     * @throws AppError `wrong_password`, `too_many_wrong_passwords`, `invalid_input`
     */
    async changePassword(
      actor: Principal,
      { currentPassword, newPassword }: { readonly currentPassword: string; readonly newPassword: string },
    ): Promise<void> {
      const { userId } = actor;
      const client = actor.origin?.ip;
      const { email } = found(await store.users.findById(userId));
      assertPassword(newPassword, email, '/new_password');
      const credentials = await store.users.findCredentials({ userId });
      const verified = await attempts.attempt([{ key: `password:${userId}`, ...WRONG_PASSWORDS }], async () =>
        (await passwords.verify(currentPassword, credentials?.hashedPassword ?? null, client)) ? true : null,
      );
      if (verified === null) {
        await store.transaction(({ audit }) =>
          audit.record({ actor, ...on(userId), action: 'user.password_change_refused' }),
        );
        throw wrongPassword();
      }
      const hashedPassword = await passwords.hash(newPassword, client);
      await store.transaction(async (transaction) => {
        const { users, audit } = transaction;
        const stored = await users.findCredentials({ userId });
        // Changed by somebody else while this was hashing: the current password is another one now.
        if (stored?.hashedPassword !== credentials?.hashedPassword) throw wrongPassword();
        const now = clock.now();
        await users.setPassword(userId, hashedPassword, now);
        await endAccess(transaction, userId, now);
        await audit.record({ actor, ...on(userId), action: 'user.password_changed' });
      });
      announceUpdate(userId);
      announceAccess(userId, 'password_changed');
    },

    async counts() {
      return { users: (await store.users.list({ page: 1, size: 1, sort: [] })).total };
    },

    credentialsOn: (transaction: SqlTransaction) => store.marksOn(transaction),

    async exists(userId: number): Promise<boolean> {
      return (await store.users.findAccess(userId)) !== null;
    },

    findById: (userId: number) => store.users.findById(userId),

    findByEmail: (email: string) => store.users.findByEmail(normalizeEmail(email)),

    findAccess: (userId: number) => store.users.findAccess(userId),

    listContacts: (query: ContactQuery) => store.users.listContacts(query),

    async verifyPassword({ email, password }: EmailAndPassword, client?: string) {
      const credentials = await store.users.findCredentials({ email: normalizeEmail(email) });
      const isRight = await passwords.verify(password, credentials?.hashedPassword ?? null, client);
      if (!isRight || credentials === null) return null;
      const { hashedPassword: _, ...access } = credentials;
      return access;
    },

    async recordLogin(userId: number, origin?: RequestOrigin): Promise<void> {
      await store.users.setLastLogin(userId, clock.now(), origin?.language);
    },

    async markVerified({ userId, linkId }: UsedLink, origin: RequestOrigin): Promise<boolean> {
      const done = await store.transaction(async ({ users, tokens, audit }) => {
        const now = clock.now();
        if (!(await tokens.useLink(linkId, now))) return false;
        await tokens.voidLinks(userId, ['verify_email'], now);
        const user = await users.findById(userId);
        if (user === null || user.isVerified) return user !== null;
        await users.update(userId, { isVerified: true }, now);
        await audit.record({ actor: null, origin, ...on(userId), action: 'user.email_verified' });
        return true;
      });
      if (done) announceUpdate(userId);
      return done;
    },

    async resetPassword({ userId, linkId }: UsedLink, password: string, origin: RequestOrigin): Promise<boolean> {
      const user = await store.users.findById(userId);
      if (user === null) return false;
      assertPassword(password, user.email, '/new_password');
      const hashedPassword = await passwords.hash(password, origin.ip);
      const done = await store.transaction(async (transaction) => {
        const { users, tokens, audit } = transaction;
        const now = clock.now();
        if (!(await tokens.useLink(linkId, now)) || (await users.findById(userId)) === null) return false;
        await users.update(userId, { isVerified: true }, now);
        await users.setPassword(userId, hashedPassword, now);
        await endAccess(transaction, userId, now);
        await audit.record({ actor: null, origin, ...on(userId), action: 'user.password_reset' });
        return true;
      });
      if (!done) return false;
      announceUpdate(userId);
      announceAccess(userId, 'password_changed');
      return true;
    },

    async endSessions(actor: Principal): Promise<void> {
      await store.transaction(async ({ users, tokens, audit }) => {
        const now = clock.now();
        await users.endTokens(actor.userId, now);
        await tokens.endSessions(actor.userId, now);
        await audit.record({ actor, ...on(actor.userId), action: 'user.sessions_ended' });
      });
      announceAccess(actor.userId, 'sessions_ended');
    },

    ...createFounding({ store, passwords, clock, create, endAll, announceUpdate, announceAccess }),
  };
}

function found(user: User | null): User {
  if (user === null) throw userErrors.user_not_found();
  return user;
}

function wrongPassword() {
  return userErrors.wrong_password({
    details: { fields: [{ path: '/current_password', message: 'is not the current password' }] },
  });
}
