import { defineErrors } from '#kernel/errors.ts';

export const twinErrors = defineErrors({
  config_invalid: ['invalid', 'The configuration is not acceptable.'],
  config_version_not_found: ['not_found', 'This version of the configuration is not kept.'],
});
