import type { MigrationSet } from '#platform/sql/sql.port.ts';
import { firmware } from './2026_11_26_50_firmware.ts';

/** Needs the table `users`. */
export const firmwareMigrations: MigrationSet = { '2026_11_26_50_firmware': firmware };
