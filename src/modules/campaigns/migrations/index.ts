import type { MigrationSet } from '#platform/sql/sql.port.ts';
import { campaigns } from './2026_11_26_60_campaigns.ts';

/** Needs the tables `users` and `devices`. */
export const campaignsMigrations: MigrationSet = { '2026_11_26_60_campaigns': campaigns };
