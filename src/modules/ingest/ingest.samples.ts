import { isObject, METRIC_NAME, parseTimestamp, withoutNulls } from '#platform/channels/payloads.port.ts';
import type { Metrics, Sample } from '#platform/telemetry/telemetry.port.ts';
import type { IngestLimits, RejectReason } from './ingest.ports.ts';

/**
 * The fast lane: from parsed JSON to a checked sample, or, as a string, to the reason why not. Runs once a message at full
 * rate: plain loops, no validator call, one object. `null` means "no value": what may be left out may be null.
 */

const NAME = new RegExp(METRIC_NAME);
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
    metrics = withoutNulls(metrics);
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

function isTooLong(text: string, maxBytes: number): boolean {
  // UTF-8 takes at most three bytes for each UTF-16 unit.
  return text.length * 3 > maxBytes && Buffer.byteLength(text) > maxBytes;
}
