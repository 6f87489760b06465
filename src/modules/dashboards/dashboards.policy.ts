import { isManagement, outranks, type Principal } from '#kernel/access.ts';
import type { Dashboard, Share } from './dashboards.ports.ts';

type Shared = Pick<Dashboard, 'ownerId' | 'shared'>;

/** What somebody sees beside the dashboards of its own. */
export function sharesFor({ role }: Principal): readonly Share[] {
  return isManagement(role) ? ['management', 'all'] : ['all'];
}

/** A private dashboard is its owner's alone, also to administrators. */
export function maySee(principal: Principal, { ownerId, shared }: Shared): boolean {
  return ownerId === principal.userId || sharesFor(principal).includes(shared);
}

/** Of those that it sees. */
export function mayWrite({ userId, role }: Principal, { ownerId }: Shared): boolean {
  return ownerId === userId || outranks(role, 'MANAGER');
}
