/** Sixteen digits that are not those behind a decimal point: there may be a whole number beyond 2^53. */
const MAY_BE_ROUNDED = /(?:^|[^\d.])\d{16}/;
const WHOLE = /^-?\d+$/;

/**
 * Parses JSON with whole numbers beyond 2^53, which a parser rounds in silence, as bigints. What is written with an
 * exponent or a decimal point is meant as a double, whatever its size; digits alone are meant as they are.
 * @throws SyntaxError
 */
export function parseExactJson(text: string): unknown {
  return MAY_BE_ROUNDED.test(text) ? JSON.parse(text, keepWholeNumbers) : JSON.parse(text);
}

function keepWholeNumbers(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  const source = context?.source ?? '';
  const isExact = typeof value !== 'number' || Number.isSafeInteger(value) || !WHOLE.test(source);
  return isExact ? value : BigInt(source);
}

/** What JSON can say and nobody can keep as it is. */
export type Inexact = 'unicode' | 'integer';

/**
 * The first place that holds half a surrogate pair, in a text or a name, or a bigint.
 * @param value parsed JSON, nested as deep as a stack allows; what is no plain object or array is not looked into
 * @returns its JSON pointer, and what is there; null: there is none
 */
export function inexactIn(value: unknown): { readonly path: string; readonly what: Inexact } | null {
  if (typeof value === 'string') return value.isWellFormed() ? null : { path: '', what: 'unicode' };
  if (typeof value === 'bigint') return { path: '', what: 'integer' };
  if (typeof value !== 'object' || value === null) return null;
  if (!Array.isArray(value) && Object.getPrototypeOf(value) !== Object.prototype) return null;
  for (const [name, nested] of Object.entries(value)) {
    if (!name.isWellFormed()) return { path: '', what: 'unicode' };
    const found = inexactIn(nested);
    if (found !== null) return { path: `/${pointerPart(name)}${found.path}`, what: found.what };
  }
  return null;
}

const pointerPart = (name: string) => name.replaceAll('~', '~0').replaceAll('/', '~1');
