import { CsvError, type Parser, parse } from 'csv-parse';
import { acceptJson } from '#kernel/accept-json.ts';
import { giveWay } from '#kernel/concurrency.ts';
import type { FieldError } from '#kernel/errors.ts';
import {
  CSV_COLUMNS,
  type CsvColumn,
  fromSafeCell,
  type Heading,
  headingOf,
  REQUIRED_COLUMNS,
  shown,
  unreadableFile as unreadable,
} from './csv.columns.ts';
import { delimiterOf } from './csv.dialect.ts';

/** One row of a file: what could be read of it as a body of POST /devices, and what could not. */
export interface ReadRow {
  readonly value: unknown;
  readonly errors: readonly FieldError[];
}

/** So much is parsed at a time; then others have their turn. */
const SLICE_BYTES = 64 * 1024;
/** Metadata of 16 KiB with every character quoted, and the rest of a device. */
const MAX_ROW_CHARACTERS = 64 * 1024;
/** Of a row; a file of commas alone would otherwise be millions of them. */
const MAX_CELLS = 100;

/**
 * Reads a CSV file (UTF-8, a header line, RFC 4180 quotes; commas, semicolons or tabs) as rows shaped like bodies of
 * POST /devices. Empty cells are absent fields. What is wrong in one row is told with that row.
 * @returns at most `maxRows + 1` rows, so that the caller sees that there are too many
 * @throws AppError `device_import_unreadable` when the file as a whole makes no sense
 */
export async function readDeviceCsv(file: Buffer, maxRows: number): Promise<readonly ReadRow[]> {
  const { delimiter, start } = delimiterOf(file);
  const rows: ReadRow[] = [];
  let header: readonly Heading[] | undefined;

  function take(cells: readonly string[], line: number): void {
    if (cells.length > MAX_CELLS) throw unreadable(`line ${line} has ${cells.length} cells, more than ${MAX_CELLS}`);
    if (header === undefined) header = readHeader(cells);
    else if (rows.length <= maxRows) rows.push(toRow(header, cells));
  }

  const parser = parse({
    delimiter,
    on_record: (cells: string[], { lines }) => {
      take(cells, lines);
      return null;
    },
    max_record_size: MAX_ROW_CHARACTERS,
    relax_column_count: true,
    relax_quotes: true,
    skip_empty_lines: true,
    trim: true,
  });
  try {
    await feed(parser, file.subarray(start), () => rows.length > maxRows);
  } catch (error) {
    throw error instanceof CsvError ? unreadable(inWords(error), error) : error;
  }
  if (header === undefined) throw unreadable('the header line is missing');
  return rows;
}

/** Writes the file into the parser, a slice at a time, until `isEnough`. The parser calls `on_record` meanwhile. */
async function feed(parser: Parser, file: Buffer, isEnough: () => boolean): Promise<void> {
  let failure: unknown;
  parser.on('error', (error) => {
    failure ??= error;
  });
  parser.resume();
  let [known, silent] = [0, 0];
  for (let start = 0; start < file.length; start += SLICE_BYTES) {
    if (start > 0) await giveWay();
    await new Promise<void>((resolve) => parser.write(file.subarray(start, start + SLICE_BYTES), () => resolve()));
    if (failure !== undefined) throw failure;
    if (isEnough()) return void parser.destroy();
    const { records, empty_lines, lines } = parser.info;
    silent = records + empty_lines === known ? silent + 1 : 0;
    known = records + empty_lines;
    // Cells without a character count for nothing in `max_record_size`.
    if (silent > 1) throw tooLong(lines);
  }
  await new Promise<void>((resolve) => {
    parser.once('close', resolve).end();
  });
  if (failure !== undefined) throw failure;
}

function inWords(error: CsvError): string {
  const line = String(error['lines']);
  if (error.code === 'CSV_MAX_RECORD_SIZE') return longerThanARow(line);
  return error.code === 'CSV_QUOTE_NOT_CLOSED'
    ? `line ${line}: a quoted cell is not closed`
    : `line ${line} is not CSV`;
}

const longerThanARow = (line: string) => `line ${line}: a row has more than ${MAX_ROW_CHARACTERS} characters`;
const tooLong = (line: number) => unreadable(longerThanARow(String(line)));

function readHeader(cells: readonly string[]): readonly Heading[] {
  const headings = cells.map((cell, index) => {
    const heading = headingOf(cell);
    if (heading !== undefined) return heading;
    throw unreadable(
      `heading ${index + 1} is ${shown(cell)}, which is no column of an import; the columns are ${CSV_COLUMNS.join(', ')}`,
    );
  });
  for (const column of CSV_COLUMNS) {
    const count = headings.filter((heading) => heading === column).length;
    if (count > 1) throw unreadable(`the column ${column} is there ${count} times`);
    if (count === 0 && REQUIRED_COLUMNS.includes(column)) {
      throw unreadable(`the column ${column} is missing; the first line is ${shown(cells.join(', '))}`);
    }
  }
  return headings;
}

function toRow(header: readonly Heading[], cells: readonly string[]): ReadRow {
  const value: Record<string, unknown> = {};
  const errors: FieldError[] = [];
  for (const [index, text] of cells.entries()) {
    const heading = header[index] ?? 'unnamed';
    if (text === '' || heading === 'measured') continue;
    if (heading === 'unnamed') {
      errors.push({ path: `/column ${index + 1}`, message: `has a value and no heading; found ${shown(text)}` });
      continue;
    }
    const cell = fromSafeCell(text);
    if (heading === 'metadata') takeMetadata(cell, value, errors);
    else value[heading] = toValue(heading, cell);
  }
  return { value, errors };
}

/** Metadata is JSON in a cell, and taken as that of a body is; whether it is an object is judged by the schema. */
function takeMetadata(cell: string, value: Record<string, unknown>, errors: FieldError[]): void {
  const accepted = acceptJson(Buffer.from(cell));
  if (accepted.flaw === null) {
    value['metadata'] = accepted.value;
    return;
  }
  const { what, path, message } = accepted.flaw;
  const isNone = what === 'syntax' ? `must be a JSON object such as {"floor": 2}; found ${shown(cell)}` : message;
  errors.push({ path: `/metadata${path}`, message: isNone });
}

/** The bytes were UTF-8, so that a text has no half surrogate pairs. Anything else is judged by the schema. */
function toValue(column: CsvColumn, cell: string): unknown {
  return (column === 'group_id' || column === 'owner_id') && /^\d{1,15}$/.test(cell) ? Number(cell) : cell;
}
