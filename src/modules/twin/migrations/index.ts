import type { MigrationSet } from '#platform/sql/sql.port.ts';
import { twin } from './2026_11_26_40_twin.ts';
import { twinTold, twinToldIndex } from './2026_11_27_40_twin_told.ts';

export const twinMigrations: MigrationSet = {
  '2026_11_26_40_twin': twin,
  '2026_11_27_40_twin_told': twinTold,
  '2026_11_27_41_twin_told_index': twinToldIndex,
};
