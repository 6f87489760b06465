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

/**
 * Finds the items of a request in its bytes: nothing is parsed before they are counted, and each is then judged by its
 * own bytes, as the payload of a message is.
 */

/** Items of a body: `more` says that there are more than were asked for, which were not looked for. */
export interface BodyItems {
  readonly items: readonly Buffer[];
  readonly more: boolean;
}

const [TAB, LINE_FEED, CARRIAGE_RETURN, SPACE] = [0x09, 0x0a, 0x0d, 0x20];
const [QUOTE, COMMA, BACKSLASH] = [0x22, 0x2c, 0x5c];
const [OPEN_ARRAY, CLOSE_ARRAY, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d];

/** One a line; empty lines are skipped. */
export function linesOf(body: Buffer, max: number): BodyItems {
  const items: Buffer[] = [];
  for (let at = skipBlank(body, 0); at < body.length; at = skipBlank(body, at)) {
    if (items.length === max) return { items, more: true };
    const end = body.indexOf(LINE_FEED, at);
    items.push(body.subarray(at, end === -1 ? body.length : end));
    at = end === -1 ? body.length : end;
  }
  return { items, more: false };
}

/** `malformed`: an array without its end, or with something behind it. `neither`: no object and no array. */
export type NoItems = 'malformed' | 'neither';

/** Of an array its elements, else the body as it is. */
export function elementsOf(body: Buffer, max: number): BodyItems | NoItems {
  const start = skipBlank(body, hasByteOrderMark(body) ? 3 : 0);
  if (body[start] === OPEN_OBJECT) return { items: [body.subarray(start)], more: false };
  if (body[start] !== OPEN_ARRAY) return 'neither';
  const items: Buffer[] = [];
  let from = start + 1;
  let depth = 1;
  for (let at = from; at < body.length; at += 1) {
    const byte = body[at];
    if (byte === QUOTE) {
      at = endOfString(body, at);
    } else if (byte === OPEN_ARRAY || byte === OPEN_OBJECT) {
      depth += 1;
    } else if (byte === CLOSE_ARRAY || byte === CLOSE_OBJECT) {
      depth -= 1;
      if (depth > 0) continue;
      const isEmpty = items.length === 0 && skipBlank(body, from) === at;
      if (!isEmpty) items.push(body.subarray(from, at));
      return endsAt(body, at) ? { items: items.slice(0, max), more: items.length > max } : 'malformed';
    } else if (byte === COMMA && depth === 1) {
      if (items.length === max) return { items, more: true };
      items.push(body.subarray(from, at));
      from = at + 1;
    }
  }
  return 'malformed';
}

/** Where the string that begins at `at` has its closing quote; the end of the body, if it has none. */
function endOfString(body: Buffer, at: number): number {
  for (let next = at + 1; next < body.length; next += 1) {
    const byte = body[next];
    if (byte === QUOTE) return next;
    if (byte === BACKSLASH) next += 1;
  }
  return body.length;
}

/** Whether nothing follows but blanks, and the NUL with which C programs end a text. */
function endsAt(body: Buffer, at: number): boolean {
  const end = skipBlank(body, at + 1);
  return end === body.length || (end === body.length - 1 && body[end] === 0);
}

function skipBlank(body: Buffer, from: number): number {
  let at = from;
  for (; at < body.length; at += 1) {
    const byte = body[at];
    if (byte !== SPACE && byte !== LINE_FEED && byte !== CARRIAGE_RETURN && byte !== TAB) return at;
  }
  return at;
}

function hasByteOrderMark(body: Buffer): boolean {
  return body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf;
}
