import { defineErrors } from '#kernel/errors.ts';

export const sessionErrors = defineErrors({
  session_not_found: ['not_found', 'There is no such session of yours.'],
});
