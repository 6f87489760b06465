import type { Clock } from '#kernel/clock.ts';
import type { Logger } from '#kernel/logger.ts';
import type { AuditReader, AuditTrail } from '#platform/audit/audit.port.ts';
import type { Jobs } from '#platform/jobs/jobs.port.ts';
import type { ModuleWith } from '#platform/module/module.port.ts';
import { resealAtStart, type SecretBox } from '#platform/secrets/secret-box.port.ts';
import type { MigrationSet, SqlStore } from '#platform/sql/sql.port.ts';
import { createAuditLogsRoutes } from './audit-logs/audit-logs.routes.ts';
import { createConfigStore } from './configs/configs.repository.ts';
import { createConfigsRoutes } from './configs/configs.routes.ts';
import { createConfigsService } from './configs/configs.service.ts';
import type { SystemFacts } from './info/info.ports.ts';
import { createInfoRoutes } from './info/info.routes.ts';
import { createInfoService } from './info/info.service.ts';
import { createJobsRoutes } from './jobs/jobs.routes.ts';
import { createJobsService } from './jobs/jobs.service.ts';
import * as createSystemConfigs from './migrations/2026_11_24_31_system_configs.ts';
import type { SystemApi } from './system.api.ts';

export interface SystemModuleDeps {
  readonly sql: SqlStore;
  readonly audit: AuditTrail & AuditReader;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly facts: SystemFacts;
  readonly jobs: Jobs;
  readonly secrets: SecretBox;
}

export interface SystemModule extends ModuleWith<'routes' | 'components'> {
  readonly api: SystemApi;
}

export const systemMigrations: MigrationSet = { '2026_11_24_31_system_configs': createSystemConfigs };

export function createSystemModule(deps: SystemModuleDeps): SystemModule {
  const { sql, audit, clock, logger, facts, jobs, secrets } = deps;
  const configs = createConfigsService({
    store: createConfigStore(sql, audit),
    box: secrets,
    clock,
  });
  const jobsService = createJobsService(jobs, audit);
  return {
    name: 'system',
    api: {
      readConfig: configs.read,
      runJob: jobsService.run,
      noteJobs: jobsService.note,
      offeredJobs: jobsService.list,
    },
    routes: [
      { prefix: '/api/v1/system', routes: createInfoRoutes(createInfoService({ facts, clock })) },
      { prefix: '/api/v1/system/jobs', routes: createJobsRoutes(jobsService) },
      { prefix: '/api/v1/system/configs', routes: createConfigsRoutes(configs) },
      { prefix: '/api/v1/system/audit-logs', routes: createAuditLogsRoutes(audit) },
    ],
    components: [
      {
        roles: ['api'],
        name: 'secret configs',
        start: () => resealAtStart(secrets, configs.sealed, logger),
      },
    ],
  };
}
