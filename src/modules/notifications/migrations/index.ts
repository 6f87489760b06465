import type { MigrationSet } from '#platform/sql/sql.port.ts';
import { mailSummaries } from './2026_11_26_50_mail_summaries.ts';

export const notificationsMigrations: MigrationSet = {
  '2026_11_26_50_mail_summaries': mailSummaries,
};
