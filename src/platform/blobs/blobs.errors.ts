import { commonErrors, defineErrors } from '#kernel/errors.ts';

export const blobErrors = defineErrors({
  blob_not_found: ['not_found', 'There is no such file.'],
});

export function blobsAway(cause: unknown) {
  return commonErrors.unavailable({ detail: 'Files cannot be kept or read now.', cause });
}
