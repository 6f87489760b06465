import { defineErrors } from '#kernel/errors.ts';

export const monitoringErrors = defineErrors({
  alert_rule_not_found: ['not_found', 'There is no such alert rule.'],
  alert_rule_invalid: ['invalid', 'The parts of the alert rule do not fit together.'],
  alert_rule_limit: ['invalid', 'There are as many alert rules as there may be.'],
  alert_scope_forbidden: ['forbidden', 'You may make alert rules only for devices that you own.'],
  alert_scope_too_wide: ['invalid', 'A USER makes alert rules for single devices only.'],
  alert_test_too_large: ['invalid', 'The test would have to look at more than it may.'],
  alert_tests_busy: ['limited', 'Too many alert rules are being tested.'],
  alert_not_found: ['not_found', 'There is no such alert.'],
  alert_assignee_unknown: ['invalid', 'The alert cannot be given to this user.'],
  alert_comment_limit: ['invalid', 'There are as many comments on the alert as there may be.'],
});
