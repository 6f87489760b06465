import { isUtf8 } from 'node:buffer';
import type { IngestLimits, RejectReason } from './telemetry.ports.ts';

/** A wrapper, so that a JSON payload that is a string is not mistaken for a reason. */
export interface ParsedJson {
  readonly value: unknown;
  readonly text: string;
}

/** One message, or one item of a request. A byte order mark and a final NUL, as C programs send, are ignored. */
export function parseJson(payload: Buffer, limits: IngestLimits): ParsedJson | RejectReason {
  const { length } = payload;
  if (length > limits.maxPayloadBytes) return 'payload_too_large';
  if (!isUtf8(payload)) return 'invalid_utf8';
  const start = payload[0] === 0xef && payload[1] === 0xbb && payload[2] === 0xbf ? 3 : 0;
  const text = payload.toString('utf8', start, payload[length - 1] === 0 ? length - 1 : length);
  try {
    return { value: JSON.parse(text), text };
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
