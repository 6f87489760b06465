import { lowerRole, outranks, type Principal, type UserRole } from '#kernel/access.ts';
import { commonErrors } from '#kernel/errors.ts';
import { userErrors } from './users.errors.ts';
import type { User, UserRepository } from './users.ports.ts';

/* Who may manage whom. */

/**
 * The actor as it is inside the transaction: one who was demoted or deactivated while its request was on its way does
 * what it may do now, or nothing. A personal access token may have a lower role than its user: never more than that.
 */
export async function asOfNow(users: UserRepository, actor: Principal): Promise<Principal> {
  const access = await users.findAccess(actor.userId);
  if (access === null || !access.isActive) {
    throw commonErrors.authentication_required({ detail: 'The access token is no longer valid.' });
  }
  return { ...actor, role: lowerRole(actor.role, access.role) };
}

export function assertManageable(actor: Principal, target: User): void {
  const stepsDown = actor.role === 'SUPERADMIN' && actor.userId === target.id;
  if (!stepsDown && !outranks(actor.role, target.role)) throw userErrors.user_not_manageable();
}

export function assertGrantable(actor: Principal, role: UserRole): void {
  if (actor.role !== 'SUPERADMIN' && !outranks(actor.role, role)) throw userErrors.role_not_grantable();
}

/** Inside the transaction that changes the target: write transactions are serialised, so two cannot both pass. */
export async function assertNotLastSuperadmin(users: UserRepository, target: User): Promise<void> {
  if (target.role !== 'SUPERADMIN' || !target.isActive) return;
  if ((await users.countActiveSuperadmins()) <= 1) throw userErrors.last_superadmin();
}
