import { type JsonFlaw, type JsonLimits, jsonFlaw } from '#kernel/json-flaw.ts';

/** A JSON object. Keys named `__proto__` are refused where it comes in. */
export type Json = Readonly<Record<string, unknown>>;

/** JSON merge patch: https://www.rfc-editor.org/rfc/rfc7396#section-2. Changes neither of the two. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isJson(patch)) return patch;
  const result: Record<string, unknown> = isJson(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = mergePatch(result[key], value);
  }
  return result;
}

/** What a device has to have: its group's defaults, patched by its own. A null of its own removes a default, and no null is left. */
export function effectiveOf(defaults: Json, own: Json): Json {
  return mergePatch(mergePatch({}, defaults), own) as Json;
}

/** What is desired and missing or different in what was reported. Arrays are compared as values. */
export function deltaOf(desired: Json, reported: Json): Json {
  const delta: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(desired)) {
    const said = reported[key];
    if (isJson(value) && isJson(said)) {
      const inner = deltaOf(value, said);
      if (Object.keys(inner).length > 0) delta[key] = inner;
    } else if (!isSame(value, said)) delta[key] = value;
  }
  return delta;
}

/** Whether two JSON values say the same; the order of keys says nothing. */
export function isSame(a: unknown, b: unknown): boolean {
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((each, index) => isSame(each, b[index]));
  }
  if (!isJson(a) || !isJson(b)) return a === b;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && isSame(a[key], b[key]));
}

/**
 * Its own configuration, without a field that the device has decided itself: no longer of its own, and not by default.
 * @param pointer JSON pointer (RFC 6901) to a member of objects, not of arrays
 * @returns the same object when nothing changes
 */
export function withoutField(own: Json, defaults: Json, pointer: string): Json {
  return without(own, defaults, keysOf(pointer)) ?? {};
}

/** @param pointer as in withoutField @returns undefined: there is no such field */
export function fieldOf(config: Json, pointer: string): unknown {
  return keysOf(pointer).reduce<unknown>(
    (value, key) => (isJson(value) && Object.hasOwn(value, key) ? value[key] : undefined),
    config,
  );
}

function without(own: Json | undefined, defaults: unknown, [key, ...rest]: readonly string[]): Json | undefined {
  if (key === undefined) return own;
  const hasOwn = own !== undefined && Object.hasOwn(own, key);
  const byDefault = isJson(defaults) && Object.hasOwn(defaults, key) ? defaults[key] : undefined;
  if (rest.length > 0) {
    const ownChild = hasOwn ? own[key] : undefined;
    // Its own value is no object: the field is not there.
    if (hasOwn && !isJson(ownChild)) return own;
    const child = without(isJson(ownChild) ? ownChild : undefined, byDefault, rest);
    return child === ownChild || child === undefined ? own : { ...own, [key]: child };
  }
  if (byDefault !== undefined) return own?.[key] === null && hasOwn ? own : { ...own, [key]: null };
  if (!hasOwn) return own;
  return Object.fromEntries(Object.entries(own).filter(([name]) => name !== key));
}

function keysOf(pointer: string): readonly string[] {
  return pointer.slice(1).split('/').map(unescapePointer);
}

function unescapePointer(token: string): string {
  return token.replaceAll('~1', '/').replaceAll('~0', '~');
}

export const CONFIG_LIMITS: JsonLimits = { bytes: 32 * 1024, depth: 10 };

/** Why a configuration is not acceptable; null: it is. */
export function flawOf(config: unknown): JsonFlaw['kind'] | null {
  return jsonFlaw(config, CONFIG_LIMITS)?.kind ?? null;
}

/** Whether a device could not report it. */
export function isTooLarge(config: unknown): boolean {
  return Buffer.byteLength(JSON.stringify(config)) > CONFIG_LIMITS.bytes;
}

function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
