import { systemClock } from '#kernel/clock.ts';
import type { AuditReader, AuditRecord } from '#platform/audit/audit.port.ts';
import { createAuditTrail } from '#platform/audit/audit.ts';
import type { SqlStore } from '#platform/sql/sql.port.ts';

/** What the audit trail says, oldest first. */
export async function auditedIn(trail: AuditReader): Promise<readonly AuditRecord[]> {
  const all: AuditRecord[] = [];
  for (let page = 1; ; page += 1) {
    const { items } = await trail.list({ page, size: 100 });
    if (items.length === 0) return all.reverse();
    all.push(...items);
  }
}

/** The same of a store that somebody else writes to. */
export const auditedOn = (sql: SqlStore) => auditedIn(createAuditTrail({ sql, clock: systemClock }));
