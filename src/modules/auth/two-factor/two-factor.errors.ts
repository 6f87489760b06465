import { defineErrors } from '#kernel/errors.ts';

export const twoFactorErrors = defineErrors({
  second_factor_required: [
    'unauthenticated',
    'This account takes a second factor: send the ticket with a code to POST /api/v1/auth/login/2fa.',
  ],
  second_factor_refused: ['unauthenticated', 'The code is not right, or was used already.'],
  second_factor_ticket_invalid: ['unauthenticated', 'The ticket was used, has expired, or never was: sign in again.'],
  second_factor_on: ['conflict', 'There is a second factor already: remove it first.'],
  second_factor_not_begun: ['conflict', 'No second factor waits for its first code: ask for a secret first.'],
  second_factor_wrong: ['invalid', 'The code or the password is not right.'],
  too_many_codes: ['limited', 'Too many wrong codes for this account.'],
});
