import { authMigrations } from '#modules/auth/index.ts';
import { campaignsMigrations } from '#modules/campaigns/index.ts';
import { commandsMigrations } from '#modules/commands/index.ts';
import { dashboardsMigrations } from '#modules/dashboards/index.ts';
import { devicesMigrations } from '#modules/devices/index.ts';
import { firmwareMigrations } from '#modules/firmware/index.ts';
import { monitoringMigrations } from '#modules/monitoring/index.ts';
import { notificationsMigrations } from '#modules/notifications/index.ts';
import { systemMigrations } from '#modules/system/index.ts';
import { twinMigrations } from '#modules/twin/index.ts';
import { usersMigrations } from '#modules/users/index.ts';
import { auditMigrations } from '#platform/audit/audit.ts';
import { mergeMigrations } from '#platform/sql/migrate.ts';

/** The relational schema: every module's migrations and the audit trail's, in the order of their names. */
export const MIGRATIONS = mergeMigrations(
  usersMigrations,
  authMigrations,
  devicesMigrations,
  auditMigrations,
  monitoringMigrations,
  systemMigrations,
  notificationsMigrations,
  commandsMigrations,
  twinMigrations,
  firmwareMigrations,
  campaignsMigrations,
  dashboardsMigrations,
);
