import { defineErrors } from '#kernel/errors.ts';

export const remoteErrors = defineErrors({
  remote_secret_wrong: ['unauthenticated', 'The secret between the processes is wrong.'],
});
