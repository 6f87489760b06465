import { isUtf8 } from 'node:buffer';
import type { IngestLimits, RejectReason } from './telemetry.ports.ts';

/** A wrapper, so that a JSON payload that is a string is not mistaken for a reason. */
export interface ParsedJson {
  /** Whole numbers that JavaScript would round are bigints. */
  readonly value: unknown;
}

/** Sixteen digits that are not those behind a decimal point: there may be a whole number beyond 2^53. */
const MAY_BE_ROUNDED = /(?:^|[^\d.])\d{16}/;
const WHOLE = /^-?\d+$/;
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf] as const;

/** One message, or one item of a request. A byte order mark and a final NUL, as C programs send, are ignored. */
export function parseJson(payload: Buffer, limits: IngestLimits): ParsedJson | RejectReason {
  if (payload.length > limits.maxPayloadBytes) return 'payload_too_large';
  if (!isUtf8(payload)) return 'invalid_utf8';
  const start = BYTE_ORDER_MARK.every((byte, at) => payload[at] === byte) ? BYTE_ORDER_MARK.length : 0;
  const text = payload.toString('utf8', start, payload.at(-1) === 0 ? payload.length - 1 : payload.length);
  try {
    return { value: MAY_BE_ROUNDED.test(text) ? JSON.parse(text, keepWholeNumbers) : JSON.parse(text) };
  } catch {
    return 'invalid_json';
  }
}

/**
 * What is written with an exponent or a decimal point is meant as a double, whatever its size; digits alone are
 * meant as they are.
 */
function keepWholeNumbers(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  const source = context?.source ?? '';
  const isExact = typeof value !== 'number' || Number.isSafeInteger(value) || !WHOLE.test(source);
  return isExact ? value : BigInt(source);
}

/** Of an item with its free JSON. What is nested deeper would overflow the stack of whoever serialises it. */
const MAX_DEPTH = 33;

/** Whether free JSON can be kept as it is, `__proto__` and all; else why not. */
export function checkJson(value: unknown, deepReason: RejectReason, depth = MAX_DEPTH): RejectReason | null {
  if (typeof value === 'string') return value.isWellFormed() ? null : 'invalid_unicode';
  if (typeof value === 'bigint') return 'integer_too_large';
  if (typeof value !== 'object' || value === null) return null;
  if (depth === 0) return deepReason;
  for (const [name, nested] of Object.entries(value)) {
    if (!name.isWellFormed()) return 'invalid_unicode';
    const reason = checkJson(nested, deepReason, depth - 1);
    if (reason !== null) return reason;
  }
  return null;
}
