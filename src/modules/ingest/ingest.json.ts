import { isUtf8 } from 'node:buffer';
import { acceptJson, type JsonFlaw } from '#kernel/accept-json.ts';
import type { IngestLimits, RejectReason } from './ingest.ports.ts';

/** A wrapper, so that a JSON payload that is a string is not mistaken for a reason. */
export interface ParsedJson {
  readonly value: unknown;
}

/**
 * One message, or one item of a request, as the hot path reads it: whole numbers beyond 2^53 are rounded, and only the
 * payload bounds the depth, which a parser without a reviver and the checks of a sample do not feel. A byte order mark
 * and a final NUL, as C programs send, are ignored.
 */
export function parseJson(payload: Buffer, limits: IngestLimits): ParsedJson | RejectReason {
  const { length } = payload;
  if (length > limits.maxPayloadBytes) return 'payload_too_large';
  if (!isUtf8(payload)) return 'invalid_utf8';
  const start = payload[0] === 0xef && payload[1] === 0xbb && payload[2] === 0xbf ? 3 : 0;
  const text = payload.toString('utf8', start, payload[length - 1] === 0 ? length - 1 : length);
  try {
    return { value: JSON.parse(text) };
  } catch {
    return 'invalid_json';
  }
}

/** Of an item with its free JSON; how many values it has is bounded by the payload. */
const ITEM_LIMITS = { depth: 33, values: Number.POSITIVE_INFINITY };

const REASONS: Readonly<Partial<Record<JsonFlaw['what'], RejectReason>>> = {
  utf8: 'invalid_utf8',
  syntax: 'invalid_json',
  unicode: 'invalid_unicode',
  integer: 'integer_too_large',
};

/** The same for what is kept as it is, `__proto__` and all. @param deepReason for what is nested too deep */
export function parseExactly(
  payload: Buffer,
  limits: IngestLimits,
  deepReason: RejectReason,
): ParsedJson | RejectReason {
  const { length } = payload;
  if (length > limits.maxPayloadBytes) return 'payload_too_large';
  const accepted = acceptJson(payload[length - 1] === 0 ? payload.subarray(0, length - 1) : payload, ITEM_LIMITS);
  return accepted.flaw === null ? accepted : (REASONS[accepted.flaw.what] ?? deepReason);
}
