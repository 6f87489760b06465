import { defineErrors } from '#kernel/errors.ts';

export const telemetryErrors = defineErrors({
  invalid_range: ['invalid', '`start` must be before `end`.'],
});
