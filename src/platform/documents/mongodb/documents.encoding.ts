import type { DocumentQuery, StoredDocument } from '../documents.port.ts';

/** A document as MongoDB has it: `id` is `_id`, everything else has its name. */
export interface Encoded {
  readonly _id: string;
  /** From when on its time runs, for the TTL index; our own instants are numbers, which that does not understand. */
  readonly _kept_from?: Date;
  readonly [field: string]: unknown;
}

export type Expiry = { readonly field: string; readonly afterMs: number } | undefined;

/** The field of a value that is kept as JSON text. */
const TEXT = '_json';
/** MongoDB refuses documents that nest deeper than 100; our fields and the text are part of it. */
const DEEPEST = 50;

export function encode<T extends StoredDocument>(document: T, expiry: Expiry): Encoded {
  const encoded: Record<string, unknown> = { _id: document.id };
  for (const [name, value] of Object.entries(document)) if (name !== 'id') encoded[name] = encodeValue(value);
  return { ...encoded, ...expiryOf(document, expiry) } as Encoded;
}

export function encodeChanges(changes: object, expiry: Expiry): Record<string, unknown> {
  const encoded = Object.entries(changes).map(([name, value]) => [name, encodeValue(value)]);
  return { ...Object.fromEntries(encoded), ...expiryOf(changes, expiry) };
}

export function decode<T extends StoredDocument>({ _id, _kept_from, ...fields }: Encoded): T {
  const document: Record<string, unknown> = { id: _id };
  for (const [name, value] of Object.entries(fields)) document[name] = decodeValue(value);
  return document as unknown as T;
}

export const encodeField = (name: string): string => (name === 'id' ? '_id' : name);

export function encodeFilter(filter: NonNullable<DocumentQuery['filter']>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(filter).map(([name, value]) => [encodeField(name), Array.isArray(value) ? { $in: value } : value]),
  );
}

function expiryOf(fields: object, expiry: Expiry): { readonly _kept_from?: Date } {
  if (expiry === undefined) return {};
  const at = (fields as Readonly<Record<string, unknown>>)[expiry.field];
  return typeof at === 'number' ? { _kept_from: new Date(at) } : {};
}

/**
 * Nested values are documents to MongoDB too, so that operators can query them, unless their names mean
 * something there or they nest too deep: what a device sends in a log is any JSON at all. Those are kept as text.
 */
function encodeValue(value: unknown): unknown {
  return isPlain(value, DEEPEST) ? value : { [TEXT]: JSON.stringify(value) };
}

function decodeValue(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, TEXT)) return value;
  return JSON.parse((value as { readonly [TEXT]: string })[TEXT]);
}

function isPlain(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  if (depth === 0) return false;
  if (Array.isArray(value)) return value.every((each) => isPlain(each, depth - 1));
  return Object.entries(value).every(([name, each]) => isPlainName(name) && isPlain(each, depth - 1));
}

/** Not: a path, an operator, a reference of the driver's, its types, the end of a C string, and our own text. */
function isPlainName(name: string): boolean {
  return /^[^$.\0][^.\0]*$/.test(name) && name !== '_bsontype' && name !== '__proto__' && name !== TEXT;
}
