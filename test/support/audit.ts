import { systemClock } from '#kernel/clock.ts';
import type { AuditRecord } from '#platform/audit/audit.port.ts';
import { createAuditTrail } from '#platform/audit/audit.ts';
import type { SqlStore } from '#platform/sql/sql.port.ts';

/** What the audit trail of this store says, oldest first. */
export async function auditedOn(sql: SqlStore): Promise<readonly AuditRecord[]> {
  const trail = createAuditTrail({ sql, clock: systemClock });
  const all: AuditRecord[] = [];
  for (let page = 1; ; page += 1) {
    const { items } = await trail.list({ page, size: 100 });
    if (items.length === 0) return all.reverse();
    all.push(...items);
  }
}
