import type { Clock } from '#kernel/clock.ts';
import type { EventBus } from '#kernel/events.ts';
import type { AuditTrail } from '#platform/audit/audit.port.ts';
import type { ModuleWith } from '#platform/module/module.port.ts';
import type { SqlStore } from '#platform/sql/sql.port.ts';
import { createDashboardStore } from './dashboards.repository.ts';
import { createDashboardsRoutes } from './dashboards.routes.ts';
import { createDashboardsService } from './dashboards.service.ts';

export { dashboardsMigrations } from './migrations/index.ts';

export interface DashboardsModuleDeps {
  readonly sql: SqlStore;
  readonly audit: AuditTrail;
  readonly clock: Clock;
  readonly events: EventBus;
}

export type DashboardsModule = ModuleWith<'routes'>;

export function createDashboardsModule({ sql, audit, clock, events }: DashboardsModuleDeps): DashboardsModule {
  const listens = events.scope();
  const dashboards = createDashboardsService({ store: createDashboardStore(sql, audit), clock, events: listens });
  return {
    name: 'dashboards',
    listens,
    routes: [{ prefix: '/api/v1/dashboards', routes: createDashboardsRoutes(dashboards) }],
  };
}
