import type { MigrationSet } from '#platform/sql/sql.port.ts';
import { monitoring } from './2026_11_24_10_monitoring.ts';
import { alertBaselines } from './2026_11_26_10_alert_baselines.ts';

/** Needs the tables `users` and `devices`. */
export const monitoringMigrations: MigrationSet = {
  '2026_11_24_10_monitoring': monitoring,
  '2026_11_26_10_alert_baselines': alertBaselines,
};
