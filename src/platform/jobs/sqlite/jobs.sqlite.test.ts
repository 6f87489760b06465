import { join } from 'node:path';
import { systemClock } from '#kernel/clock.ts';
import { silentLogger } from '#kernel/logger.ts';
import { temporaryFolder } from '#test/support/folders.ts';
import { jobsContract } from '../jobs.contract.ts';
import type { JobsContractHarness } from '../jobs.harness.ts';
import { jobSchedulesContract } from '../jobs.schedules.contract.ts';
import { createSqliteJobs } from './jobs.sqlite.ts';

async function createHarness(): Promise<JobsContractHarness> {
  const folder = temporaryFolder();
  return {
    create: ({ concurrency = 4, timeZone = 'UTC', ...options } = {}) =>
      createSqliteJobs({
        ...{ file: join(folder.path, 'jobs.db'), clock: systemClock, logger: silentLogger },
        ...{ concurrency, timeZone, firstRetryMs: 40, ...options },
      }),
    close: async () => folder.remove(),
  };
}

jobsContract('SQLite', createHarness);
jobSchedulesContract('SQLite', createHarness);
