import type { MigrationSet } from '#platform/sql/sql.port.ts';
import { campaigns } from './2026_11_26_60_campaigns.ts';
import { campaignZones } from './2026_11_27_61_campaign_zones.ts';

/** Needs the tables `users` and `devices`. */
export const campaignsMigrations: MigrationSet = {
  '2026_11_26_60_campaigns': campaigns,
  '2026_11_27_61_campaign_zones': campaignZones,
};
