import { deviceErrors } from '../devices.errors.ts';
import { DeviceBody, DeviceView } from '../devices.schemas.ts';

/** The columns of an export, which an import takes as they are. */
export const EXPORT_COLUMNS = Object.keys(DeviceView.properties) as readonly (keyof DeviceView)[];

/** Those that a device is made of, as a body of POST /devices; `metadata` as JSON text. */
export const CSV_COLUMNS = Object.keys(DeviceBody.properties) as readonly (keyof DeviceBody)[];
export type CsvColumn = keyof DeviceBody;
export const REQUIRED_COLUMNS: readonly CsvColumn[] = ['name', 'device_type'];

/** What only the server can say of a device: an import does not read it. */
export const MEASURED_COLUMNS: readonly string[] = EXPORT_COLUMNS.filter(
  (column) => !CSV_COLUMNS.some((each) => each === column),
);

/** What a heading stands for; `unnamed` has nothing in it. */
export type Heading = CsvColumn | 'measured' | 'unnamed';

/** Headings as people write them: `Name`, `Device Type`, `device-uid`. */
export function headingOf(cell: string): Heading | undefined {
  const plain = cell
    .trim()
    .toLowerCase()
    .replaceAll(/[\s_-]+/g, '_');
  if (plain === '') return 'unnamed';
  if (MEASURED_COLUMNS.includes(plain)) return 'measured';
  return CSV_COLUMNS.find((column) => column === plain);
}

/** What a spreadsheet would run, behind any number of the apostrophes that keep it from doing so. */
const FORMULA = /^'*[=+\-@\t\r\uFF1D\uFF0B\uFF0D\uFF20]/;

/** A cell that no spreadsheet takes for a formula. `fromSafeCell` gives back exactly the text. */
export function toSafeCell(text: string): string {
  return FORMULA.test(text) ? `'${text}` : text;
}

export function fromSafeCell(cell: string): string {
  return cell.startsWith("'") && FORMULA.test(cell) ? cell.slice(1) : cell;
}

/** An import that makes no sense as a whole. @param path where, in a file with JSON */
export function unreadableFile(message: string, cause?: unknown, path = '') {
  return deviceErrors.device_import_unreadable({ details: { fields: [{ path: path || '/', message }] }, cause });
}

/** So much of what was found is repeated in a message. */
const SHOWN_CHARACTERS = 40;

/** A text as it was found, short enough for a message. */
export function shown(text: string): string {
  return JSON.stringify(text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text);
}
