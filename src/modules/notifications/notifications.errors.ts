import { defineErrors } from '#kernel/errors.ts';

export const notificationErrors = defineErrors({
  notification_not_found: ['not_found', 'There is no such notification, or it is not yours.'],
});
