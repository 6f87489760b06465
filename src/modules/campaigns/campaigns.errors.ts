import { defineErrors } from '#kernel/errors.ts';

export const campaignErrors = defineErrors({
  campaign_not_found: ['not_found', 'There is no such campaign.'],
  campaign_invalid: ['invalid', 'The campaign is not acceptable.'],
  campaign_state_conflict: ['conflict', 'The campaign is in a state in which this cannot be done.'],
  campaign_action_not_found: ['not_found', 'There is no such action for this device.'],
  campaign_action_ended: ['conflict', 'The action has ended for this device.'],
  campaign_not_approved: ['conflict', 'The campaign has to be approved first.'],
  campaign_own_approval: ['conflict', 'Another person has to approve the campaign.'],
});
