import { jsonFlaw, jsonFlawMessage } from '#kernel/json-flaw.ts';
import { deviceErrors } from './devices.errors.ts';

const LIMITS = { bytes: 16 * 1024, depth: 8 };
/** More cannot be in so many bytes. */
export const METADATA_MAX_VALUES = LIMITS.bytes / 2;

/**
 * Checks a metadata object and writes it as JSON text.
 * @throws AppError `device_metadata_invalid` when it is too large, too deep or has a key `__proto__`
 */
export function metadataToText(metadata: Readonly<Record<string, unknown>>): string {
  const flaw = jsonFlaw(metadata, LIMITS);
  if (flaw === null) return JSON.stringify(metadata);
  const field = { path: `/metadata${flaw.path}`, message: jsonFlawMessage(flaw.kind, LIMITS) };
  throw deviceErrors.device_metadata_invalid({ details: { fields: [field] } });
}
