/** What one entry of the trail keeps: it is kept for ever, and much of it is what people may choose freely. */
const MAX_TEXT = 256;
const MAX_ITEMS = 50;
const MAX_DEPTH = 6;
const MAX_BYTES = 8 * 1024;

type Details = Readonly<Record<string, unknown>>;

/**
 * Details as they are stored: long texts cut, with their length; long lists and objects cut, with what was left out.
 * Details that are too much even so are left out but for their names.
 */
export function cutDetails(details: Details): Details {
  const cut = cutValue(details, 0) as Details;
  const bytes = Buffer.byteLength(JSON.stringify(cut));
  if (bytes <= MAX_BYTES) return cut;
  return { cut: `${bytes} bytes were left out`, fields: Object.keys(cut) };
}

function cutValue(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return cutText(value);
  if (typeof value !== 'object' || value === null) return value;
  if (depth === MAX_DEPTH) return '…';
  if (Array.isArray(value)) {
    const items = value.slice(0, MAX_ITEMS).map((item) => cutValue(item, depth + 1));
    return value.length > MAX_ITEMS ? [...items, `… (${value.length} items)`] : items;
  }
  const fields = Object.entries(value);
  const kept = fields.slice(0, MAX_ITEMS).map(([name, field]) => [cutText(name), cutValue(field, depth + 1)]);
  if (fields.length > MAX_ITEMS) kept.push(['…', `${fields.length} fields`]);
  return Object.fromEntries(kept);
}

function cutText(text: string): string {
  if (text.length <= MAX_TEXT) return text;
  // Not in the middle of a character: half of one is no text that every store takes.
  return `${text
    .slice(0, MAX_TEXT)
    .toWellFormed()
    .replace(/\uFFFD$/, '')}… (${text.length} characters)`;
}
