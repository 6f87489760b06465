import { defineErrors } from '#kernel/errors.ts';

export const systemErrors = defineErrors({
  job_not_found: ['not_found', 'There is no such job.'],
  config_not_found: ['not_found', 'There is no such configuration.'],
  config_value_invalid: ['invalid', 'The value is not acceptable.'],
});
