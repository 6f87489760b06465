export { createDashboardsModule, type DashboardsModule, dashboardsMigrations } from './dashboards.module.ts';
