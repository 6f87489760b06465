import { createHash } from 'node:crypto';
import { Compile } from 'typebox/compile';
import { parseInstant } from '#kernel/instant.ts';
import type { DeviceStatus } from '#modules/devices/index.ts';
import type { Metrics, Sample } from '#platform/telemetry/telemetry.port.ts';
import { toLogLevel } from './telemetry.levels.ts';
import type { DeviceLog, IngestLimits, RejectReason } from './telemetry.ports.ts';
import { LogPayload, METRIC_NAME, ResponsePayload, StatusPayload } from './telemetry.schemas.ts';

/**
 * From parsed JSON to checked values. Each function returns the value, or, as a string, the reason why not.
 * The telemetry path runs once a message at full rate: plain loops, no validator call, one object.
 * `null` means "no value": what may be left out may be null.
 */

const NAME = new RegExp(METRIC_NAME);
/** Numbers below are seconds: as milliseconds this would be March 1973, as seconds it is the year 5138. */
const SECONDS_BELOW = 1e11;

const statusSchema = Compile(StatusPayload);
const logSchema = Compile(LogPayload);
const responseSchema = Compile(ResponsePayload);

export interface ParsedStatus {
  readonly status: DeviceStatus;
  readonly firmwareVersion?: string;
  readonly ipAddress?: string;
  readonly at: number;
}

/** From here on doubles cannot tell whole numbers apart. */
const ROUNDED_FROM = 2 ** 53;

/**
 * `{timestamp?, metrics}` or the metrics object alone. An object with a `timestamp` or `metrics` key is the
 * former; so a metric can be called neither when the object stands alone.
 * @param isExact whether no whole number was rounded; if not, a number that may have been is `integer_too_large`
 */
export function parseSample(
  deviceId: number,
  item: unknown,
  receivedAt: number,
  limits: IngestLimits,
  isExact = false,
): Sample | RejectReason {
  if (!isObject(item)) return 'not_an_object';
  let metrics: unknown = item;
  let timestamp = receivedAt;
  if (Object.hasOwn(item, 'metrics') || Object.hasOwn(item, 'timestamp')) {
    for (const key in item) if (key !== 'metrics' && key !== 'timestamp') return unknownKey(item);
    metrics = item['metrics'];
    if (!isObject(metrics)) return 'metrics_missing';
    if (item['timestamp'] !== undefined && item['timestamp'] !== null) {
      const parsed = parseTimestamp(item['timestamp'], receivedAt, limits);
      if (typeof parsed === 'string') return parsed;
      timestamp = parsed;
    }
  }
  const reason = checkMetrics(metrics as Record<string, unknown>, limits, isExact);
  if (reason === 'has_nulls') {
    metrics = withoutNulls(metrics as Record<string, unknown>);
    if (Object.keys(metrics as object).length === 0) return 'empty_metrics';
  } else if (reason !== null) {
    return reason;
  }
  return { deviceId, timestamp, metrics: metrics as Metrics };
}

function unknownKey(item: Record<string, unknown>): RejectReason {
  return Object.hasOwn(item, 'metrics') ? 'unknown_field' : 'metrics_missing';
}

function checkMetrics(
  metrics: Record<string, unknown>,
  limits: IngestLimits,
  isExact: boolean,
): RejectReason | 'has_nulls' | null {
  let count = 0;
  let nulls = 0;
  for (const name in metrics) {
    count += 1;
    if (count > limits.maxMetrics) return 'too_many_metrics';
    // `__proto__` fits the pattern, but would be lost by every program that assigns it to an object.
    if (!NAME.test(name) || name === '__proto__') return 'invalid_metric_name';
    const value = metrics[name];
    if (typeof value === 'number') {
      if (value < ROUNDED_FROM && value > -ROUNDED_FROM) continue;
      if (!Number.isFinite(value)) return 'invalid_value';
      if (!isExact) return 'integer_too_large';
    } else if (typeof value === 'string') {
      if (isTooLong(value, limits.maxStringBytes)) return 'string_too_long';
      if (!value.isWellFormed()) return 'invalid_unicode';
    } else if (value === null) {
      nulls += 1;
    } else if (typeof value !== 'boolean') {
      return 'invalid_value';
    }
  }
  if (nulls > 0) return 'has_nulls';
  return count === 0 ? 'empty_metrics' : null;
}

function withoutNulls(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null));
}

function isTooLong(text: string, maxBytes: number): boolean {
  // UTF-8 takes at most three bytes for each UTF-16 unit.
  return text.length * 3 > maxBytes && Buffer.byteLength(text) > maxBytes;
}

/** Epoch milliseconds of an RFC 3339 string or of epoch seconds or milliseconds. */
export function parseTimestamp(
  value: unknown,
  receivedAt: number,
  limits: Pick<IngestLimits, 'maxAheadMs' | 'maxAgeMs'>,
): number | RejectReason {
  let epochMs: number | null = null;
  if (typeof value === 'string') epochMs = parseInstant(value);
  else if (typeof value === 'number') epochMs = Math.round(Math.abs(value) < SECONDS_BELOW ? value * 1000 : value);
  if (epochMs === null || !Number.isFinite(epochMs)) return 'invalid_timestamp';
  if (epochMs > receivedAt + limits.maxAheadMs) return 'timestamp_in_future';
  if (epochMs < receivedAt - limits.maxAgeMs) return 'timestamp_too_old';
  return epochMs;
}

export function parseStatus(given: unknown, receivedAt: number, limits: IngestLimits): ParsedStatus | RejectReason {
  const item = isObject(given) ? withoutNulls(given) : given;
  if (!statusSchema.Check(item)) return 'invalid_status';
  const saidAt = item.timestamp === undefined ? receivedAt : parseTimestamp(item.timestamp, receivedAt, limits);
  if (typeof saidAt === 'string') return saidAt;
  return {
    status: item.status as DeviceStatus,
    // The server's time: a Last Will carries the time of the connect, and transitions are told in order.
    at: receivedAt,
    ...(item.firmware_version === undefined ? {} : { firmwareVersion: item.firmware_version }),
    ...(item.ip_address === undefined ? {} : { ipAddress: item.ip_address }),
  };
}

/** A log with a time of its own gets an id made of its content: delivered twice, it is stored once. */
export function parseLog(
  deviceId: number,
  given: unknown,
  receivedAt: number,
  limits: IngestLimits,
  nextId: () => string,
): DeviceLog | RejectReason {
  const item = isObject(given) ? withoutNulls(given) : given;
  if (!logSchema.Check(item)) return 'invalid_log';
  const level = toLogLevel(item.level);
  if (level === null) return 'invalid_level';
  const ages = { maxAheadMs: limits.maxAheadMs, maxAgeMs: limits.maxLogAgeMs };
  const timestamp = item.timestamp === undefined ? receivedAt : parseTimestamp(item.timestamp, receivedAt, ages);
  if (typeof timestamp === 'string') return timestamp;
  const log = {
    device_id: deviceId,
    event_type: item.event_type,
    level,
    message: item.message ?? null,
    payload: item.payload ?? null,
    timestamp,
  };
  const id = item.timestamp === undefined ? nextId() : createHash('sha256').update(JSON.stringify(log)).digest('hex');
  return { id, ...log, source: 'device' };
}

/** Commands are not part of the system yet, so no response can belong to one. */
export function parseResponse(given: unknown): RejectReason {
  const item = isObject(given) ? withoutNulls(given) : given;
  return responseSchema.Check(item) ? 'unknown_command' : 'invalid_response';
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
