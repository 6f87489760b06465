import { pipeline, Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { CsvError, parse } from 'csv-parse';
import { deviceErrors } from '../devices.errors.ts';

/** The columns of an import, all of a body of POST /devices; `metadata` as JSON text. */
export const CSV_COLUMNS = ['name', 'device_type', 'device_uid', 'group_id', 'owner_id', 'metadata'] as const;
type CsvColumn = (typeof CSV_COLUMNS)[number];
const REQUIRED: readonly CsvColumn[] = ['name', 'device_type'];

/** So much is parsed at a time; then others have their turn. */
const SLICE_BYTES = 64 * 1024;

/**
 * Reads a CSV file (UTF-8, comma, header line, RFC 4180 quotes) as rows shaped like bodies of POST /devices.
 * Empty cells are absent fields. What is wrong in one row is left for the check of that row to find.
 * @returns at most `maxRows + 1` rows, so that the caller sees that there are too many
 * @throws AppError `device_import_unreadable` when the file as a whole makes no sense
 */
export async function readDeviceCsv(file: Buffer, maxRows: number): Promise<readonly Record<string, unknown>[]> {
  const parser = parse({ bom: true, relax_column_count: true, relax_quotes: true, skip_empty_lines: true, trim: true });
  pipeline(Readable.from(slices(file)), parser, () => {});
  let header: readonly CsvColumn[] | undefined;
  const rows: Record<string, unknown>[] = [];
  try {
    for await (const record of parser as AsyncIterable<readonly string[]>) {
      if (header === undefined) {
        header = readHeader(record);
        continue;
      }
      rows.push(toRow(header, record));
      if (rows.length > maxRows) break;
    }
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw unreadable(
      error.code === 'CSV_QUOTE_NOT_CLOSED'
        ? 'a quoted cell is not closed'
        : `line ${String(error['lines'])} is not CSV`,
      error,
    );
  }
  if (header === undefined) throw unreadable('the header line is missing');
  return rows;
}

async function* slices(file: Buffer): AsyncGenerator<Buffer> {
  for (let start = 0; start < file.length; start += SLICE_BYTES) {
    if (start > 0) await setImmediate();
    yield file.subarray(start, start + SLICE_BYTES);
  }
}

function readHeader(cells: readonly string[]): readonly CsvColumn[] {
  const columns = cells.map((cell) => {
    const column = CSV_COLUMNS.find((candidate) => candidate === cell);
    if (column === undefined) {
      throw unreadable(`unknown column "${cell.slice(0, 64)}"; the columns are ${CSV_COLUMNS.join(', ')}`);
    }
    return column;
  });
  const repeated = columns.find((column, index) => columns.indexOf(column) !== index);
  if (repeated !== undefined) throw unreadable(`the column ${repeated} is there twice`);
  const missing = REQUIRED.find((column) => !columns.includes(column));
  if (missing !== undefined) throw unreadable(`the column ${missing} is missing`);
  return columns;
}

function toRow(header: readonly CsvColumn[], cells: readonly string[]): Record<string, unknown> {
  const row: Record<string, unknown> = {};
  cells.forEach((cell, index) => {
    const column = header[index];
    // A cell without a column becomes an unknown field, which fails this row and no other.
    if (column === undefined) row[`column ${index + 1}`] = cell;
    else if (cell !== '') row[column] = toValue(column, cell);
  });
  return row;
}

function toValue(column: CsvColumn, cell: string): unknown {
  if (column === 'group_id' || column === 'owner_id') return /^\d{1,15}$/.test(cell) ? Number(cell) : cell;
  if (column !== 'metadata') return cell;
  try {
    return JSON.parse(cell);
  } catch {
    return cell;
  }
}

function unreadable(message: string, cause?: unknown) {
  return deviceErrors.device_import_unreadable({ details: { fields: [{ path: '/', message }] }, cause });
}
