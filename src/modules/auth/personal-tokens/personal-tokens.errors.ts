import { defineErrors } from '#kernel/errors.ts';

export const personalTokenErrors = defineErrors({
  personal_token_not_found: ['not_found', 'There is no such personal access token of yours.'],
  personal_token_limit: ['conflict', 'You have as many personal access tokens as one may have: revoke one first.'],
  personal_token_role: ['forbidden', 'A personal access token may not have a higher role than you.'],
});
