import { deviceErrors } from './devices.errors.ts';

const METADATA_MAX_BYTES = 16 * 1024;
/** More cannot be in so many bytes: looked at no further. */
export const METADATA_MAX_VALUES = METADATA_MAX_BYTES / 2;
/** `{"a": 1}` has depth 1. */
const METADATA_MAX_DEPTH = 8;

/**
 * Checks a metadata object and writes it as JSON text.
 * @throws AppError `device_metadata_invalid` when it is too large, too deep or has a key `__proto__`
 */
export function metadataToText(metadata: Readonly<Record<string, unknown>>): string {
  check(metadata, 1, '/metadata', { values: 0 });
  const text = JSON.stringify(metadata);
  if (Buffer.byteLength(text) > METADATA_MAX_BYTES) {
    throw tooLarge();
  }
  return text;
}

function check(value: unknown, depth: number, path: string, seen: { values: number }): void {
  seen.values += 1;
  if (seen.values > METADATA_MAX_VALUES) throw tooLarge();
  if (typeof value !== 'object' || value === null) return;
  if (depth > METADATA_MAX_DEPTH) throw invalid(path, `must not be nested deeper than ${METADATA_MAX_DEPTH} levels`);
  for (const [key, child] of Object.entries(value)) {
    // As text it would do no harm; but whoever merges the parsed object into another one would be in danger.
    if (key === '__proto__') throw invalid(path, 'must not have a key __proto__');
    check(child, depth + 1, `${path}/${key}`, seen);
  }
}

const tooLarge = () => invalid('/metadata', `must be at most ${METADATA_MAX_BYTES} bytes as JSON`);

function invalid(path: string, message: string) {
  return deviceErrors.device_metadata_invalid({ details: { fields: [{ path, message }] } });
}
