import { defineErrors } from '#kernel/errors.ts';

export const accountErrors = defineErrors({
  token_invalid: ['invalid', 'The token is not valid: it was used, has expired, or is for something else.'],
  email_already_verified: ['conflict', 'The e-mail address is verified already.'],
  email_off: ['conflict', 'This installation sends no e-mail: ask an administrator.'],
  too_many_mails: ['limited', 'Too many e-mails of this kind were asked for.'],
});
