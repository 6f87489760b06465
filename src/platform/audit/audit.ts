import { type Generated, type Kysely, type SelectQueryBuilder, sql } from 'kysely';
import type { Principal, UserRole } from '#kernel/access.ts';
import type { Clock } from '#kernel/clock.ts';
import { several } from '#kernel/pagination.ts';
import { readPage } from '../sql/pages.port.ts';
import { containing, isLike, type MigrationSet, type SqlStore } from '../sql/sql.port.ts';
import type { AuditEntry, AuditFilter, AuditOrigin, AuditReader, AuditTrail } from './audit.port.ts';
import { cutDetails } from './cut.ts';
import * as createAuditLogs from './migrations/2026_11_24_30_audit.ts';

interface Tables {
  audit_logs: {
    id: Generated<number>;
    user_id: number | null;
    user_role: UserRole | null;
    action: string;
    resource_type: string;
    resource_id: string | null;
    details: string;
    ip_address: string | null;
    request_id: string | null;
    created_at: number;
  };
}

export const auditMigrations: MigrationSet = { '2026_11_24_30_audit': createAuditLogs };

/** The longest IPv6 address as text. Behind a proxy that is trusted blindly it can be anything. */
const MAX_ADDRESS = 45;
/** Text is searched entry by entry, so in so many at most: the newest that match everything else. */
export const SEARCHED_ENTRIES = 10_000;

const NEWEST_FIRST = [{ field: 'created_at', direction: 'desc' }] as const;

/** The audit trail in the relational store, beside what it speaks of. */
export function createAuditTrail({
  sql: store,
  clock,
}: {
  readonly sql: SqlStore;
  readonly clock: Clock;
}): AuditTrail & AuditReader {
  async function insert(db: Kysely<Tables>, { actor, details = {}, ...entry }: AuditEntry): Promise<void> {
    const origin: AuditOrigin | undefined = actor?.origin ?? entry.origin;
    await db
      .insertInto('audit_logs')
      .values({
        user_id: actor?.userId ?? null,
        user_role: actor?.role ?? null,
        action: entry.action,
        resource_type: entry.resourceType,
        resource_id: entry.resourceId,
        details: JSON.stringify(cutDetails({ ...details, ...usedToken(actor) })),
        ip_address: origin?.ip.slice(0, MAX_ADDRESS) ?? null,
        request_id: origin?.requestId ?? null,
        created_at: clock.now(),
      })
      .execute();
  }

  return {
    on: (db) => ({ record: (entry) => insert(db, entry) }),
    record: (entry) => insert(store.db<Tables>(), entry),
    list({ page, size, sort = NEWEST_FIRST, ...filter }) {
      const tie = { field: 'id', direction: sort.at(-1)?.direction ?? 'desc' } as const;
      return readPage(searched(store.db<Tables>(), filter).selectAll(), { sort, tie, page, size }, (row) => ({
        id: row.id,
        userId: row.user_id,
        userRole: row.user_role,
        action: row.action,
        resourceType: row.resource_type,
        resourceId: row.resource_id,
        details: JSON.parse(row.details),
        ipAddress: row.ip_address,
        requestId: row.request_id,
        createdAt: row.created_at,
      }));
    },
  };
}

/** Which program did it, where it was one. */
function usedToken(actor: Principal | null): { readonly personal_token_id?: number } {
  return actor?.credential?.kind === 'personal_token' ? { personal_token_id: actor.credential.tokenId } : {};
}

function filtered<O>(from: SelectQueryBuilder<Tables, 'audit_logs', O>, filter: AuditFilter) {
  let query = from;
  if (filter.userId !== undefined) query = query.where('user_id', 'in', several(filter.userId));
  if (filter.action !== undefined) query = query.where('action', 'in', several(filter.action));
  if (filter.resourceType !== undefined) query = query.where('resource_type', 'in', several(filter.resourceType));
  if (filter.resourceId !== undefined) query = query.where('resource_id', 'in', several(filter.resourceId));
  if (filter.requestId !== undefined) query = query.where('request_id', 'in', several(filter.requestId));
  if (filter.from !== undefined) query = query.where('created_at', '>=', filter.from);
  if (filter.to !== undefined) query = query.where('created_at', '<', filter.to);
  return query;
}

function searched(db: Kysely<Tables>, { q, ...filter }: AuditFilter) {
  const matching = filtered(db.selectFrom('audit_logs'), filter);
  if (q === undefined) return matching;
  const newest = matching.selectAll().orderBy('created_at', 'desc').orderBy('id', 'desc').limit(SEARCHED_ENTRIES);
  const text = sql`concat_ws(' ', action, resource_id, ip_address, details)`;
  return db.selectFrom(newest.as('audit_logs')).where(isLike([text], containing(q)));
}
