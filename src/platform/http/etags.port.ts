/**
 * Whether `If-None-Match` names this version, or any with `*`; compared weakly
 * (https://www.rfc-editor.org/rfc/rfc9110#section-13.1.2).
 * @param etag with quotation marks, without `W/`
 */
export function isNamed(etag: string, ifNoneMatch: string | undefined): boolean {
  if (ifNoneMatch === undefined) return false;
  return ifNoneMatch.split(',').some((each) => ['*', etag].includes(each.trim().replace(/^W\//, '')));
}
