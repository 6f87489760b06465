export { monitoringMigrations } from './migrations/index.ts';
export type { MonitoringApi } from './monitoring.api.ts';
export type { AlertChanged } from './monitoring.events.ts';
export { createMonitoringModule, type MonitoringModule } from './monitoring.module.ts';
