import { commonErrors } from '#kernel/errors.ts';

export const EMAIL_PATTERN = '^\\s*[^\\s@]+@[^\\s@.]+(\\.[^\\s@.]+)+\\s*$';

/** @throws AppError `invalid_input` */
export function normalizeEmail(email: string): string {
  const normalized = email.trim().toLowerCase();
  if (normalized.length > 254 || !new RegExp(EMAIL_PATTERN).test(normalized)) {
    throw invalid('/email', 'must be an e-mail address');
  }
  return normalized;
}

function invalid(path: string, message: string) {
  return commonErrors.invalid_input({ details: { fields: [{ path, message }] } });
}
