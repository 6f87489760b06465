const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPENS_ARRAY = 0x5b;
const CLOSES_ARRAY = 0x5d;
const OPENS_OBJECT = 0x7b;
const CLOSES_OBJECT = 0x7d;
const COMMA = 0x2c;

/**
 * Whether JSON in UTF-8 opens more than `limit` arrays and objects within each other. Reads the bytes and builds
 * nothing, so that it costs about a nanosecond a byte where a parser takes seconds for a few megabytes of `[`.
 */
export function nestsDeeperThan(json: Uint8Array, limit: number): boolean {
  let depth = 0;
  for (let i = 0; i < json.length; i += 1) {
    switch (json[i]) {
      case QUOTE:
        // Brackets in a string open nothing.
        for (i += 1; i < json.length && json[i] !== QUOTE; i += 1) if (json[i] === BACKSLASH) i += 1;
        break;
      case OPENS_ARRAY:
      case OPENS_OBJECT:
        depth += 1;
        if (depth > limit) return true;
        break;
      case CLOSES_ARRAY:
      case CLOSES_OBJECT:
        depth -= 1;
        break;
    }
  }
  return false;
}

/**
 * Whether JSON in UTF-8 separates more than `limit` values by commas, at whatever depth. Reads the bytes as
 * `nestsDeeperThan` does, where a parser takes a second for an object of a few hundred thousand names.
 */
export function hasMoreValuesThan(json: Uint8Array, limit: number): boolean {
  let values = 1;
  for (let i = 0; i < json.length; i += 1) {
    if (json[i] === QUOTE) {
      for (i += 1; i < json.length && json[i] !== QUOTE; i += 1) if (json[i] === BACKSLASH) i += 1;
    } else if (json[i] === COMMA) {
      values += 1;
      if (values > limit) return true;
    }
  }
  return false;
}
