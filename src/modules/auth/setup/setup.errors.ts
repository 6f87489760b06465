import { defineErrors } from '#kernel/errors.ts';

export const setupErrors = defineErrors({
  setup_code_refused: ['unauthenticated', 'The code is not the one that the server printed.'],
  too_many_setup_codes: ['limited', 'Too many wrong codes from your address.'],
});
