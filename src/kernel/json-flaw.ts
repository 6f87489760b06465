export interface JsonLimits {
  /** As JSON without white space, in UTF-8. */
  readonly bytes: number;
  /** `{"a": 1}` has depth 1. */
  readonly depth: number;
}

/** `key`: one is named `__proto__`. As text it would do no harm; but whoever merges it into another object would be in danger. */
type Kind = 'too_large' | 'too_deep' | 'key';

export interface JsonFlaw {
  readonly kind: Kind;
  /** Where, as `/a/0`; empty: the value itself. */
  readonly path: string;
}

/** Why a parsed JSON value is not to be kept; null: it may be. One that is far too large is not looked at to its end. */
export function jsonFlaw(value: unknown, { bytes, depth }: JsonLimits): JsonFlaw | null {
  // In so many bytes there are no more: one for the value, and one for the comma or the brackets around the others.
  const flaw = shapeFlaw(value, depth, '', { left: (bytes + 1) / 2 });
  if (flaw !== null) return flaw;
  return Buffer.byteLength(JSON.stringify(value)) > bytes ? { kind: 'too_large', path: '' } : null;
}

function shapeFlaw(value: unknown, depthLeft: number, path: string, values: { left: number }): JsonFlaw | null {
  values.left -= 1;
  if (values.left < 0) return { kind: 'too_large', path: '' };
  if (typeof value !== 'object' || value === null) return null;
  if (depthLeft === 0) return { kind: 'too_deep', path };
  for (const [key, child] of Object.entries(value)) {
    if (key === '__proto__') return { kind: 'key', path };
    const flaw = shapeFlaw(child, depthLeft - 1, `${path}/${key}`, values);
    if (flaw !== null) return flaw;
  }
  return null;
}

/** In words, for who sent it. */
export function jsonFlawMessage(kind: Kind, { bytes, depth }: JsonLimits): string {
  const messages = {
    too_large: `must be at most ${bytes} bytes as JSON`,
    too_deep: `must not be nested deeper than ${depth} levels`,
    key: 'must not have a key __proto__',
  };
  return messages[kind];
}
