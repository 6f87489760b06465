import { defineErrors } from '#kernel/errors.ts';

export const oauthErrors = defineErrors({
  oauth_denied: ['forbidden', 'The sign-in was cancelled at the provider.'],
  oauth_refused: ['unauthenticated', 'The provider’s answer does not belong to this sign-in: start again.'],
  oauth_provider_unavailable: ['unavailable', 'The provider cannot be used at this moment.'],
});
