import { client } from '#console/api/client.ts';
import type { ListPath, Records, RowOf } from './records.types.ts';

const PAGE = 100;
/** More than that is a case for the API's own export. */
const MOST_ROWS = 10_000;

/** RFC 4180. What a spreadsheet would take for a formula is told apart by an apostrophe. */
export function csvField(value: unknown): string {
  if (value === null || value === undefined) return '';
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value);
  const safe = typeof value === 'string' && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** Saves the rows that the list shows on all its pages, with the columns that it shows. */
export async function downloadCsv<Path extends ListPath>(
  records: Records<Path>,
  query: Readonly<Record<string, unknown>>,
  columns: readonly string[],
): Promise<void> {
  const rows: RowOf<Path>[] = [];
  for (let page = 1; rows.length < MOST_ROWS; page += 1) {
    const params = { query: { ...query, page, size: PAGE } };
    const { data, error } = await client.GET(records.path as never, { params } as never);
    if (error !== undefined) throw error;
    const { items, pages } = data as unknown as { items: RowOf<Path>[]; pages: number };
    rows.push(...items);
    if (page >= pages) break;
  }
  const lines = rows.map((row) =>
    columns.map((key) => csvField((row as Readonly<Record<string, unknown>>)[key])).join(','),
  );
  save(`${records.name}.csv`, 'text/csv', [columns.join(','), ...lines, ''].join('\r\n'));
}

/** Hands a file to the browser. */
export function save(name: string, type: string, content: BlobPart): void {
  const url = URL.createObjectURL(new Blob([content], { type }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
