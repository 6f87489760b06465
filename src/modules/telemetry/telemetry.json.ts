import { isUtf8 } from 'node:buffer';
import { parseExactJson } from '#kernel/exact-json.ts';
import type { IngestLimits, RejectReason } from './telemetry.ports.ts';

/** A wrapper, so that a JSON payload that is a string is not mistaken for a reason. */
export interface ParsedJson {
  /** Whole numbers that JavaScript would round are bigints. */
  readonly value: unknown;
}

const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf] as const;

/** One message, or one item of a request. A byte order mark and a final NUL, as C programs send, are ignored. */
export function parseJson(payload: Buffer, limits: IngestLimits): ParsedJson | RejectReason {
  if (payload.length > limits.maxPayloadBytes) return 'payload_too_large';
  if (!isUtf8(payload)) return 'invalid_utf8';
  const start = BYTE_ORDER_MARK.every((byte, at) => payload[at] === byte) ? BYTE_ORDER_MARK.length : 0;
  const text = payload.toString('utf8', start, payload.at(-1) === 0 ? payload.length - 1 : payload.length);
  try {
    return { value: parseExactJson(text) };
  } catch {
    return 'invalid_json';
  }
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
