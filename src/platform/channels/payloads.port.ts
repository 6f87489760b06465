import { Type } from 'typebox';
import { parseInstant } from '#kernel/instant.ts';

/** What the payloads of channels have in common. */

export const Timestamp = Type.Union(
  [
    Type.String({ description: 'RFC 3339, with seconds and an offset or `Z`' }),
    Type.Number({ description: 'Epoch seconds or milliseconds' }),
  ],
  { description: 'When it was measured; absent: when it was received', examples: ['2026-11-22T19:00:00.000Z'] },
);

/** What the name of a metric looks like. */
export const METRIC_NAME = '^[A-Za-z_][A-Za-z0-9_.-]{0,63}$';

/** How far a time stamp may be from the server's clock, milliseconds. */
export interface TimestampLimits {
  readonly maxAheadMs: number;
  readonly maxAgeMs: number;
}

/** A device's clock may be ahead of the server's by so much. */
export const MAX_AHEAD_MS = 5 * 60_000;

export type TimestampFlaw = 'invalid_timestamp' | 'timestamp_in_future' | 'timestamp_too_old';

/** Numbers below are seconds: as milliseconds this would be March 1973, as seconds it is the year 5138. */
const SECONDS_BELOW = 1e11;

/** @returns epoch milliseconds of an RFC 3339 string or of epoch seconds or milliseconds; else the reason why not */
export function parseTimestamp(value: unknown, receivedAt: number, limits: TimestampLimits): number | TimestampFlaw {
  let epochMs: number | null = null;
  if (typeof value === 'string') epochMs = parseInstant(value);
  else if (typeof value === 'number') epochMs = Math.round(Math.abs(value) < SECONDS_BELOW ? value * 1000 : value);
  if (epochMs === null || !Number.isFinite(epochMs)) return 'invalid_timestamp';
  if (epochMs > receivedAt + limits.maxAheadMs) return 'timestamp_in_future';
  if (epochMs < receivedAt - limits.maxAgeMs) return 'timestamp_too_old';
  return epochMs;
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** `null` means "no value": what may be left out may be null. */
export function withoutNulls(value: unknown): unknown {
  return isObject(value) ? Object.fromEntries(Object.entries(value).filter(([, field]) => field !== null)) : value;
}
