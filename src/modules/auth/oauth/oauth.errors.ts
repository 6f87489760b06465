import { defineErrors } from '#kernel/errors.ts';

export const oauthSignInErrors = defineErrors({
  oauth_provider_not_found: ['not_found', 'There is no such provider here.'],
  oauth_flow_unknown: [
    'unauthenticated',
    'This browser did not begin the sign-in, or more than ten minutes ago: start again.',
  ],
  oauth_email_missing: ['forbidden', 'The provider gave no usable e-mail address: allow it there and try again.'],
  oauth_email_not_verified: [
    'conflict',
    'There is a user with this e-mail address, and the provider does not vouch that it is yours.',
  ],
  oauth_user_not_verified: [
    'conflict',
    'There is a user with this e-mail address that nobody has proven: verify it, or reset its password, first.',
  ],
  oauth_account_not_found: ['not_found', 'There is no such account of yours at a provider.'],
  last_way_to_sign_in: [
    'conflict',
    'Nothing else would let you sign in: choose a password first, by asking for a new one, or link another account.',
  ],
  oauth_code_invalid: ['unauthenticated', 'The code is not valid: it was used already, or has expired.'],
});
