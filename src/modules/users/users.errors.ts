import { defineErrors } from '#kernel/errors.ts';

export const userErrors = defineErrors({
  user_not_found: ['not_found', 'There is no such user.'],
  email_taken: ['conflict', 'Another user has this e-mail address.'],
  second_factor_not_set: ['not_found', 'The user has no second factor.'],
  setup_done: ['conflict', 'This installation has users already: sign in, or ask an administrator.'],
  user_inactive: ['conflict', 'The user is not active.'],
  user_not_manageable: ['forbidden', 'Only users of a lower role can be managed.'],
  role_not_grantable: ['forbidden', 'Only roles below your own can be granted.'],
  last_superadmin: ['conflict', 'The last active SUPERADMIN can be neither demoted, deactivated nor deleted.'],
  wrong_password: ['invalid', 'The current password is not right.'],
  too_many_wrong_passwords: ['limited', 'The current password was wrong too often.'],
  password_checks_busy: ['limited', 'Too many passwords are being checked at this moment.'],
});
