const BOM = Buffer.from('\uFEFF');
/** As spreadsheets write it above the header line. */
const SEPARATOR_LINE = /^sep=([,;\t|])[ \t]*\r?\n/i;
const DELIMITERS = [',', ';', '\t'] as const;
/** So much of the header line is looked at. */
const HEAD_BYTES = 4 * 1024;

export interface Dialect {
  readonly delimiter: string;
  /** Where the header line begins: behind a byte order mark and a `sep=` line. */
  readonly start: number;
}

/** What separates the cells of a file: as its first line says, else what the header line has most of. */
export function delimiterOf(file: Buffer): Dialect {
  const start = file.subarray(0, BOM.length).equals(BOM) ? BOM.length : 0;
  const head = file.subarray(start, start + HEAD_BYTES).toString('utf8');
  const [line, separator] = SEPARATOR_LINE.exec(head) ?? [];
  if (line !== undefined && separator !== undefined) return { delimiter: separator, start: start + line.length };
  const [header = ''] = head
    .replace(/^[\r\n]+/, '')
    .replaceAll(/"[^"]*"/g, '')
    .split(/\r?\n/, 1);
  const counts = DELIMITERS.map((each) => header.split(each).length);
  return { delimiter: DELIMITERS[counts.indexOf(Math.max(...counts))] ?? ',', start };
}
