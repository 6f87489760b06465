export { AlertView } from './alerts/alerts.schemas.ts';
export { monitoringMigrations } from './migrations/index.ts';
export { createMonitoringModule, type MonitoringModule } from './monitoring.module.ts';
