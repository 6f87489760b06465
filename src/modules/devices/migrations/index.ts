import type { MigrationSet } from '#platform/sql/sql.port.ts';
import { devices } from './2026_11_23_03_devices.ts';

/** Needs the table `users`. */
export const devicesMigrations: MigrationSet = {
  '2026_11_23_03_devices': devices,
};
