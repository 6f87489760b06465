/**
 * JSON in canonical form, https://www.rfc-editor.org/rfc/rfc8785: two values that say the same are the same text. Numbers and
 * texts are written as JSON.stringify does, which is what it asks for; the keys are sorted by their UTF-16 code units.
 * @param value JSON; members that are undefined are left out
 */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((each) => canonicalJson(each ?? null)).join()}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value)
    .filter(([, each]) => each !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, each]) => `${JSON.stringify(key)}:${canonicalJson(each)}`);
  return `{${members.join()}}`;
}
