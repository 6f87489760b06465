import type { RequestOrigin } from '#kernel/access.ts';
import type { Clock } from '#kernel/clock.ts';
import type { AuditEntry } from '#platform/audit/audit.port.ts';
import type { EmailAndPassword, NewUser } from './users.api.ts';
import { on, updateOf } from './users.audit.ts';
import { userErrors } from './users.errors.ts';
import type { AccessChangeReason } from './users.events.ts';
import type { CreateUser, PasswordHasher, User, UserRepository, UserStore, UserTransaction } from './users.ports.ts';
import { assertPassword, normalizeEmail } from './users.rules.ts';

/** What `createUsersService` lends: how users are made, and how what they have ends. */
export interface FoundingDeps {
  readonly store: UserStore;
  readonly passwords: PasswordHasher;
  readonly clock: Clock;
  create(
    input: CreateUser,
    by: Pick<AuditEntry, 'actor' | 'origin'>,
    assertAllowed?: (users: UserRepository) => Promise<void>,
  ): Promise<User>;
  endAll(transaction: UserTransaction, userId: number, now: number): Promise<void>;
  announceUpdate(userId: number): void;
  announceAccess(userId: number, reason: AccessChangeReason): void;
}

/** How an installation gets a SUPERADMIN whom no other one has made: see `UsersApi`. */
export function createFounding(deps: FoundingDeps) {
  const { store, passwords, clock, create, endAll, announceUpdate, announceAccess } = deps;

  async function assertEmpty(users: UserRepository): Promise<void> {
    if (await users.wasAny()) throw userErrors.setup_done();
  }

  return {
    async createFirst(user: Omit<NewUser, 'role' | 'isVerified'>, origin: RequestOrigin): Promise<User> {
      await assertEmpty(store.users);
      // Inside the transaction once more: of two at once one is the first.
      return await create({ ...user, role: 'SUPERADMIN', isVerified: true }, { actor: null, origin }, assertEmpty);
    },

    isEmpty: async (): Promise<boolean> => !(await store.users.wasAny()),

    async ensureSuperuser({
      email,
      password,
      resetPassword = false,
    }: EmailAndPassword & { readonly resetPassword?: boolean }) {
      const existing = await store.users.findByEmail(normalizeEmail(email));
      if (existing === null) {
        const user = await create({ email, password, role: 'SUPERADMIN', isVerified: true }, { actor: null });
        return { userId: user.id, outcome: 'created' as const };
      }
      if (!resetPassword) {
        const { id: userId, role, isActive } = existing;
        const credentials = await store.users.findCredentials({ userId });
        const isRight = await passwords.verify(password, credentials?.hashedPassword ?? null);
        if (role === 'SUPERADMIN' && isActive && isRight) return { userId, outcome: 'exists' as const };
        throw userErrors.email_taken({ detail: `${existing.email} ${instead(existing)}; nothing was changed.` });
      }
      assertPassword(password, existing.email, '/password');
      const hashedPassword = await passwords.hash(password);
      await store.transaction(async (transaction) => {
        const { users, tokens, audit } = transaction;
        const now = clock.now();
        await users.update(existing.id, { role: 'SUPERADMIN', isActive: true, isVerified: true }, now);
        await users.setPassword(existing.id, hashedPassword, now);
        await endAll(transaction, existing.id, now);
        await tokens.removeSecondFactor(existing.id);
        await users.setSecondFactor(existing.id, false, now);
        await audit.record(updateOf(null, existing, (await users.findById(existing.id)) ?? existing));
        await audit.record({ actor: null, ...on(existing.id), action: 'user.password_changed' });
      });
      announceUpdate(existing.id);
      announceAccess(existing.id, 'password_changed');
      return { userId: existing.id, outcome: 'updated' as const };
    },
  };
}

function instead({ role, isActive }: User): string {
  if (!isActive) return `exists and is an inactive ${role}`;
  return role === 'SUPERADMIN' ? 'is a SUPERADMIN already, with another password' : `exists and is a ${role}`;
}
