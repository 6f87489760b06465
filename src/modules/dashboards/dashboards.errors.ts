import { defineErrors } from '#kernel/errors.ts';

export const dashboardErrors = defineErrors({
  dashboard_not_found: ['not_found', 'There is no such dashboard.'],
  dashboard_invalid: ['invalid', 'The dashboard is not acceptable.'],
  dashboard_not_yours: ['forbidden', 'Only its owner and administrators may change this dashboard.'],
  too_many_dashboards: ['conflict', 'You have 100 dashboards; delete one first.'],
});
