import type { Readable } from 'node:stream';
import { type Static, Type } from 'typebox';
import { FieldError, Strict } from '#platform/http/http.schemas.ts';
import { CredentialsView, DeviceView } from '../devices.schemas.ts';
import { CSV_COLUMNS, MEASURED_COLUMNS } from './csv.columns.ts';
import { IMPORT_MAX_ROWS, type ImportedRow } from './transfer.ports.ts';

const JsonRows = Type.Array(Type.Unknown(), {
  description: `At most ${IMPORT_MAX_ROWS} objects, each like the body of POST /devices`,
  examples: [[{ name: 'Greenhouse 7, north', device_type: 'temperature-sensor', device_uid: 'greenhouse-07' }]],
});
/** Without a type: it arrives as bytes, which the service reads piece by piece. In the API document it is a text. */
const CsvFile = Type.Unsafe<Buffer>({
  title: 'CSV file',
  format: 'binary',
  description:
    `UTF-8; commas, semicolons or tabs, or what a line such as \`sep=;\` says; a header line with some of ` +
    `${CSV_COLUMNS.join(', ')}, in any case; metadata as JSON. ${MEASURED_COLUMNS.join(', ')} may be there and are not read.`,
  examples: ['name,device_type,device_uid\nGreenhouse 7,temperature-sensor,greenhouse-07\n'],
});

const Upload = Strict(
  'DeviceUpload',
  { file: { ...CsvFile, description: 'As CSV or JSON' } },
  { description: 'A form with one file, whatever its field is called' },
);

export const ImportBody = {
  content: {
    'application/json': { schema: JsonRows },
    'text/csv': { schema: CsvFile },
    'multipart/form-data': { schema: Upload },
  },
};

export const ImportQuery = Strict({
  dry_run: Type.Optional(
    Type.Boolean({ description: 'Says what would become of each row, and changes nothing', examples: [true] }),
  ),
});

export const ImportReport = Strict('ImportReport', {
  dry_run: Type.Boolean({ description: 'Whether nothing was changed', examples: [false] }),
  created: Type.Integer({ description: 'Rows that became a device; 0 in a dry run', examples: [1] }),
  failed: Type.Integer({ description: 'Rows that did not', examples: [0] }),
  rows: Type.Array(
    Strict('ImportedRow', {
      row: Type.Integer({ description: 'Row, from 1, not counting the header', examples: [1] }),
      device_uid: Type.Unsafe<string | null>({
        type: ['string', 'null'],
        description: 'null when the row has none that can be read',
        examples: ['greenhouse-07'],
      }),
      status: Type.Unsafe<'created' | 'failed' | 'valid'>({
        type: 'string',
        enum: ['created', 'failed', 'valid'],
        description: 'What became of the row; `valid`, in a dry run: it would become a device',
      }),
      credentials: Type.Optional(CredentialsView),
      errors: Type.Optional(Type.Array(FieldError, { description: 'Only of a row that failed' })),
    }),
    { description: 'What became of each, in order' },
  ),
});

export function presentReport(rows: readonly ImportedRow[], dryRun: boolean): Static<typeof ImportReport> {
  return {
    dry_run: dryRun,
    created: rows.filter(({ credentials }) => credentials !== null).length,
    failed: rows.filter(({ errors }) => errors.length > 0).length,
    rows: rows.map(({ row, deviceUid, credentials, errors }) => ({
      row,
      device_uid: deviceUid,
      ...statusOf({ credentials, errors }),
    })),
  };
}

function statusOf({ credentials, errors }: Pick<ImportedRow, 'credentials' | 'errors'>) {
  if (errors.length > 0) return { status: 'failed' as const, errors: [...errors] };
  return credentials === null ? { status: 'valid' as const } : { status: 'created' as const, credentials };
}

export const ExportQuery = Strict({
  format: Type.Unsafe<'csv' | 'json'>({
    type: 'string',
    enum: ['csv', 'json'],
    default: 'csv',
    description: 'Form of the file',
    examples: ['csv'],
  }),
});

/** What the handler sends is a stream, whatever it carries. */
export const ExportFile = {
  description: 'The file, streamed',
  content: {
    'text/csv': {
      schema: Type.Unsafe<Readable>({ type: 'string', description: 'A header line, then a line a device' }),
    },
    'application/json': { schema: Type.Unsafe<Readable>(Type.Array(DeviceView)) },
  },
};
