import { join } from 'node:path';
import type { Clock } from '#kernel/clock.ts';
import type { Logger } from '#kernel/logger.ts';
import type { JobObserver, Jobs } from '#platform/jobs/jobs.port.ts';
import type { Settings } from '../settings.ts';

/** Background jobs: a SQLite file in DATA_DIR, which several processes may use. */
export async function createJobs(
  settings: Settings,
  { clock, logger, observer }: { readonly clock: Clock; readonly logger: Logger; readonly observer: JobObserver },
): Promise<Jobs> {
  const { createSqliteJobs } = await import('#platform/jobs/sqlite/jobs.sqlite.ts');
  return createSqliteJobs({
    file: join(settings.DATA_DIR, 'jobs.db'),
    timeZone: settings.TZ_NAME,
    concurrency: settings.WORKER_CONCURRENCY,
    clock,
    logger,
    observer,
  });
}
