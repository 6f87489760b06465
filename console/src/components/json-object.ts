/** What somebody has typed as a JSON object; nothing is an empty one. Undefined: it is none. */
export function objectOf(text: string): Record<string, unknown> | undefined {
  if (text.trim() === '') return {};
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // Said at the field.
  }
  return undefined;
}
