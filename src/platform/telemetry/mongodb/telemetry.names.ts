import type { Metrics } from '../telemetry.port.ts';

/*
 * Metric names as MongoDB's field names. A dot would make a path of them and a dollar an operator, so these, the
 * percent sign and NUL are percent-encoded, as in URLs: `battery.level` is `battery%2Elevel`. A field each, and not an
 * array of names and values: an update sets one metric without reading the others, and a pipeline reads
 * `$metrics.temperature`.
 */

const MEANINGFUL = /[.$%\0]/;
/** By this field the driver takes an object for one of its own types. */
const DRIVERS_OWN = '_bsontype';

export function encodeName(name: string): string {
  if (name === DRIVERS_OWN) return '%5Fbsontype';
  return MEANINGFUL.test(name) ? name.replace(/[.$%\0]/g, percentEncoded) : name;
}

export function decodeName(field: string): string {
  return field.includes('%') ? decodeURIComponent(field) : field;
}

/** The object itself when no name needs encoding, as almost always. */
export function encodeMetrics(metrics: Metrics): Metrics {
  for (const name in metrics) if (MEANINGFUL.test(name) || name === DRIVERS_OWN) return renamed(metrics, encodeName);
  return metrics;
}

export function decodeMetrics(metrics: Metrics): Metrics {
  for (const field in metrics) if (field.includes('%')) return renamed(metrics, decodeName);
  return metrics;
}

/** The entries of a document as an object with their names decoded. */
export function renamed<T>(values: Readonly<Record<string, T>>, rename: (name: string) => string): Record<string, T> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [rename(name), value]));
}

function percentEncoded(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
}
