import { defineErrors } from '#kernel/errors.ts';

export const authErrors = defineErrors({
  invalid_credentials: ['unauthenticated', 'The e-mail address or the password is not right.'],
  invalid_refresh_token: ['unauthenticated', 'The refresh token is not valid: sign in again.'],
  account_inactive: ['forbidden', 'This account is not active.'],
  registration_closed: ['forbidden', 'Registration is closed: ask an administrator for an account.'],
  too_many_logins: ['limited', 'Too many failed attempts to sign in to this account from your address.'],
  too_many_registrations: ['limited', 'Too many users were registered from your address.'],
  too_many_sign_ins: ['limited', 'This user has signed in, or has exchanged refresh tokens, too often.'],
});
