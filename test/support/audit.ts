import { type Clock, systemClock } from '#kernel/clock.ts';
import { silentLogger } from '#kernel/logger.ts';
import type { AuditRecord } from '#platform/audit/audit.port.ts';
import { createAuditTrail } from '#platform/audit/audit.ts';
import { createHourlyRefusals } from '#platform/audit/hourly-refusals.ts';
import { createRefusalTrail } from '#platform/audit/refusal-trail.ts';
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

/** A store with its audit trail, and the bounded one for what is refused, as they run in production. */
export function auditedStore(sql: SqlStore, clock: Clock) {
  const audit = createAuditTrail({ sql, clock });
  const counted = { action: 'auth.refusals_counted', resourceType: 'user' };
  return { sql, audit, refusals: createRefusalTrail({ audit, clock, logger: silentLogger, counted }) };
}

/** The same, with the trail for what known devices are refused. */
export function auditedDeviceStore(sql: SqlStore, clock: Clock) {
  const audit = createAuditTrail({ sql, clock });
  return { sql, audit, refusals: createHourlyRefusals({ audit, clock, logger: silentLogger }) };
}
