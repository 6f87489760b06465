import { commonErrors } from '#kernel/errors.ts';
import { VERSION_ETAG } from './http.schemas.ts';

/**
 * Whether `If-None-Match` names this version, or any with `*`; compared weakly
 * (https://www.rfc-editor.org/rfc/rfc9110#section-13.1.2).
 * @param etag with quotation marks, without `W/`
 */
export function isNamed(etag: string, ifNoneMatch: string | undefined): boolean {
  if (ifNoneMatch === undefined) return false;
  return ifNoneMatch.split(',').some((each) => ['*', etag].includes(each.trim().replace(/^W\//, '')));
}

export function etagOf(version: number): string {
  return `"${version}"`;
}

/** @returns the version that `If-Match` names; null: any. @throws AppError `invalid_input` */
export function expectedOf(header: string | undefined): number | null {
  if (header === undefined || header.trim() === '*') return null;
  const [, digits] = /^\s*(?:W\/)?"?(\d{1,15})"?\s*$/.exec(header) ?? [];
  if (digits !== undefined) return Number(digits);
  const fields = [{ path: '/headers/if-match', message: `must be ${VERSION_ETAG} or *` }];
  throw commonErrors.invalid_input({ details: { fields } });
}
