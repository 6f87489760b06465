import type { MigrationSet } from '#platform/sql/sql.port.ts';
import { twin } from './2026_11_26_40_twin.ts';

export const twinMigrations: MigrationSet = { '2026_11_26_40_twin': twin };
