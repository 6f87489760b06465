import type { MigrationSet } from '#platform/sql/sql.port.ts';
import { monitoring } from './2026_11_24_10_monitoring.ts';
import { alertBaselines } from './2026_11_26_10_alert_baselines.ts';
import { alertRecipients, alertRulesByMaker, alertRulesOfManagement } from './2026_11_26_11_alert_recipients.ts';
import { alertAssignee, alertCommentCount, alertComments } from './2026_11_27_10_alert_comments.ts';

/** Needs the tables `users` and `devices`. */
export const monitoringMigrations: MigrationSet = {
  '2026_11_24_10_monitoring': monitoring,
  '2026_11_26_10_alert_baselines': alertBaselines,
  '2026_11_26_11_alert_recipients': alertRecipients,
  '2026_11_26_12_alert_rules_of_management': alertRulesOfManagement,
  '2026_11_26_13_alert_rules_by_maker': alertRulesByMaker,
  '2026_11_27_10_alert_comments': alertComments,
  '2026_11_27_11_alert_assignee': alertAssignee,
  '2026_11_27_12_alert_comment_count': alertCommentCount,
};
