import type { Principal } from '#kernel/access.ts';
import { rename } from '#kernel/fields.ts';
import { type AuditEntry, type AuditWriter, changedFields } from '#platform/audit/audit.port.ts';
import { USER_NAMES } from './users.fields.ts';
import type { User } from './users.ports.ts';

/* What the audit trail says about users. */

export function on(userId: number): Pick<AuditEntry, 'resourceType' | 'resourceId'> {
  return { resourceType: 'user', resourceId: String(userId) };
}

/** What changes nothing is no change: the trail is kept for ever, and anybody may send the same profile again. */
export async function recordUpdate(audit: AuditWriter, actor: Principal, before: User, after: User): Promise<void> {
  const entry = updateOf(actor, before, after);
  if (Object.keys(entry.details.changes).length > 0) await audit.record(entry);
}

export function updateOf(actor: Principal | null, before: User, after: User) {
  const details = changedFields(audited(before), audited(after));
  return { actor, ...on(after.id), action: 'user.updated', details };
}

export function audited(user: User) {
  return rename(user, USER_NAMES);
}
