import { defineErrors } from '#kernel/errors.ts';

export const secretErrors = defineErrors({
  config_key_away: ['unavailable', 'The key that secret values are encrypted with is not here.'],
});
