import { systemClock } from '#kernel/clock.ts';
import { createEventBus } from '#kernel/events.ts';
import { silentLogger } from '#kernel/logger.ts';
import { createUserTokenStore } from '#modules/auth/index.ts';
import { createUsersModule, type UsersApi } from '#modules/users/index.ts';
import { createAuditTrail } from '#platform/audit/audit.ts';
import { createMemoryCounters } from '#platform/cache/memory-counters.ts';
import { MIGRATIONS } from '../migrations.ts';
import { createRelationalStore } from '../profiles/relational.ts';
import type { Settings } from '../settings.ts';
import { refuseMoveTarget, sqlMoveNotes } from '../unfinished-move.ts';

/** Opens the relational store beside a server that may be running, brings its schema up to date and closes it after `work`. */
export async function withRelationalStore<T>(
  settings: Settings,
  work: (context: { readonly users: UsersApi; readonly migrated: readonly string[] }) => Promise<T>,
): Promise<T> {
  const sql = await createRelationalStore(settings, MIGRATIONS);
  const signal = AbortSignal.timeout(60_000);
  await sql.start?.(signal);
  try {
    await refuseMoveTarget('database', sqlMoveNotes(sql));
    const migrated = await sql.migrate();
    const events = createEventBus(silentLogger);
    const audit = createAuditTrail({ sql, clock: systemClock });
    const users = createUsersModule({
      sql,
      audit,
      clock: systemClock,
      events,
      tokens: createUserTokenStore(),
      counters: createMemoryCounters({ clock: systemClock }),
    });
    return await work({ users: users.api, migrated });
  } finally {
    await sql.stop?.(signal);
  }
}
