import { defineErrors } from '#kernel/errors.ts';

export const remoteErrors = defineErrors({
  remote_unavailable: ['unavailable', 'A part of the system that runs in a process of its own is away.'],
  remote_secret_wrong: ['unauthenticated', 'The secret between the processes is wrong.'],
});
