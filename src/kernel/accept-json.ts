import { isUtf8 } from 'node:buffer';
import { type Inexact, inexactIn, parseExactJson } from './exact-json.ts';
import { hasMoreValuesThan, nestsDeeperThan } from './json-depth.ts';

export interface JsonLimits {
  /** Arrays and objects within each other. */
  readonly depth: number;
  /** Fields and items in all, at whatever depth. */
  readonly values: number;
}

/** What a body, a file or a cell may hold unless it says otherwise. */
export const JSON_LIMITS: JsonLimits = { depth: 64, values: 200_000 };

/** Why JSON from outside is not taken. */
export interface JsonFlaw {
  readonly what: 'utf8' | 'depth' | 'values' | 'syntax' | Inexact;
  /** JSON pointer; empty: the whole. */
  readonly path: string;
  readonly message: string;
  /** What the parser said. */
  readonly cause?: unknown;
}

export type AcceptedJson = { readonly flaw: null; readonly value: unknown } | { readonly flaw: JsonFlaw };

const INEXACT: Readonly<Record<Inexact, string>> = {
  unicode: 'must be Unicode; it holds half a surrogate pair',
  integer: 'must be sent as a string: a whole number beyond 2^53 would be rounded',
};

/** Bytes that are UTF-8 hold half a surrogate pair only as an escape. */
const MAY_BE_INEXACT = /\\u[dD][89a-fA-F]|\d{16}/;

/**
 * The one way in for JSON that others wrote: UTF-8 (a byte order mark is passed over), within its limits before any
 * parser sees it, and kept as it was written by whoever stores it. Never throws.
 */
export function acceptJson(
  bytes: Buffer,
  { depth, values }: JsonLimits = JSON_LIMITS,
  parse: (text: string) => unknown = JSON.parse,
): AcceptedJson {
  if (!isUtf8(bytes)) return refused('utf8', 'must be UTF-8');
  // As many levels, or values, take as many bytes.
  if (bytes.length > depth && nestsDeeperThan(bytes, depth))
    return refused('depth', `must not be nested deeper than ${depth} levels`);
  if (bytes.length > values && hasMoreValuesThan(bytes, values)) {
    return refused('values', `must not have more than ${values} values in all`);
  }
  const text = bytes.toString('utf8', bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0);
  try {
    const value = parse(text);
    const found = MAY_BE_INEXACT.test(text) ? inexactIn(parseExactJson(text)) : null;
    return found === null ? { flaw: null, value } : refused(found.what, INEXACT[found.what], found.path);
  } catch (cause) {
    return { flaw: { what: 'syntax', path: '', message: 'must be JSON', cause } };
  }
}

const refused = (what: JsonFlaw['what'], message: string, path = '') => ({ flaw: { what, path, message } });
