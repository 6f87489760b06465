import type { MigrationSet } from '#platform/sql/sql.port.ts';
import { dashboards } from './2026_11_27_80_dashboards.ts';

/** Needs the table `users`. */
export const dashboardsMigrations: MigrationSet = { '2026_11_27_80_dashboards': dashboards };
