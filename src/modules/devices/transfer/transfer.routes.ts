import { isUtf8 } from 'node:buffer';
import { Readable } from 'node:stream';
import { stringify } from 'csv-stringify/sync';
import type { FastifyRequest } from 'fastify';
import { acceptJson } from '#kernel/accept-json.ts';
import { MANAGEMENT } from '#kernel/access.ts';
import { FILE_BODY_BYTES, type HttpApp, type HttpRoutes, principalOf } from '#platform/http/http.port.ts';
import { deviceErrors } from '../devices.errors.ts';
import type { DeviceRecord } from '../devices.ports.ts';
import type { DevicePresenter } from '../devices.presenter.ts';
import { EXPORT_COLUMNS, toSafeCell, unreadableFile } from './csv.columns.ts';
import type { ExportService } from './export.service.ts';
import { type ReadRow, readDeviceCsv } from './import.csv.ts';
import { checkRowCount, type ImportService } from './import.service.ts';
import { IMPORT_MAX_ROWS } from './transfer.ports.ts';
import { ExportFile, ExportQuery, ImportBody, ImportQuery, ImportReport, presentReport } from './transfer.schemas.ts';
import { readUpload } from './upload.ts';

const tags = ['devices'];

/** As browsers, spreadsheets and scripts call a CSV file. */
const CSV_TYPES = [
  'text/csv',
  'application/csv',
  'application/vnd.ms-excel',
  'text/plain',
  'text/tab-separated-values',
];

/** How the files of spreadsheets begin: those of today are ZIP archives. */
const SPREADSHEETS = [Buffer.from('PK\x03\x04'), Buffer.from([0xd0, 0xcf, 0x11, 0xe0])];

/** `/api/v1/devices/import` and `/export` */
export function createTransferRoutes(
  imports: ImportService,
  exports: ExportService,
  present: DevicePresenter,
): HttpRoutes {
  return async (app) => {
    // In a scope of its own, because only this route takes CSV.
    await app.register(async (scope) => addImport(scope as HttpApp, imports));

    app.get(
      '/export',
      {
        config: { access: MANAGEMENT },
        schema: {
          tags,
          operationId: 'exportDevices',
          summary: 'Export all devices',
          description:
            'CSV or JSON, without secrets. In CSV a cell that a spreadsheet would take for a formula has an ' +
            'apostrophe in front of it; metadata is JSON.',
          querystring: ExportQuery,
          response: { 200: ExportFile },
        },
      },
      async (request, reply) => {
        const { format } = request.query;
        await exports.note(principalOf(request), format);
        const write = format === 'csv' ? csvFile : jsonFile;
        return reply
          .type(format === 'csv' ? 'text/csv; charset=utf-8' : 'application/json; charset=utf-8')
          .header('content-disposition', `attachment; filename="devices.${format}"`)
          .send(Readable.from(write(exports.exportAll(), present), { objectMode: false }));
      },
    );
  };
}

function addImport(app: HttpApp, imports: ImportService): void {
  app.addContentTypeParser(CSV_TYPES, { parseAs: 'buffer' }, (_request, body: Buffer, done) => done(null, body));
  app.addContentTypeParser('multipart/form-data', async (request: FastifyRequest, body: Readable) => ({
    file: await readUpload(request.headers, body, request.routeOptions.bodyLimit),
  }));
  app.post(
    '/import',
    {
      bodyLimit: FILE_BODY_BYTES,
      config: {
        access: MANAGEMENT,
        problems: [deviceErrors.device_import_unreadable, deviceErrors.device_import_too_large],
      },
      schema: {
        tags,
        operationId: 'importDevices',
        summary: 'Import devices',
        description:
          'Registers a device for each row that is right; a bad row never stops the others. The report holds the ' +
          'credentials, which are never shown again. A file that cannot be read at all, or that has an unknown ' +
          `column or more than ${IMPORT_MAX_ROWS} rows, is 422 and changes nothing. Takes what \`GET /devices/export\` ` +
          'writes, without what only the server can say of a device. With `dry_run` nothing is changed: the report says what ' +
          'would become of each row.',
        querystring: ImportQuery,
        body: ImportBody,
        response: { 200: ImportReport },
      },
    },
    async (request) => {
      const file = fileIn(request.body);
      const rows = file === undefined ? rowsOf(request.body) : await readFile(file);
      const { dry_run: dryRun = false } = request.query;
      return presentReport(await imports.importRows(principalOf(request), rows, { dryRun }), dryRun);
    },
  );
}

/** The file of a body that is one, or a form with one. */
function fileIn(body: unknown): Buffer | undefined {
  const file = (body as { readonly file?: unknown } | null | undefined)?.file ?? body;
  return Buffer.isBuffer(file) ? file : undefined;
}

/** @throws AppError `device_import_unreadable` */
async function readFile(file: Buffer): Promise<readonly ReadRow[]> {
  const text = textOf(file);
  // No heading of a CSV file begins like this.
  if (/^\uFEFF?\s*[[{]/.test(text.toString('utf8', 0, 100))) {
    const accepted = acceptJson(text);
    if (accepted.flaw === null) return rowsOf(accepted.value);
    const { what, message, path, cause } = accepted.flaw;
    throw unreadableFile(what === 'syntax' ? 'begins like JSON and is none' : message, cause, path);
  }
  return readDeviceCsv(text, IMPORT_MAX_ROWS);
}

function rowsOf(body: unknown): readonly ReadRow[] {
  if (!Array.isArray(body)) throw unreadableFile('must be a list of devices');
  checkRowCount(body);
  return body.map((value) => ({ value, errors: [] }));
}

/** @throws AppError `device_import_unreadable` for what is no text */
function textOf(file: Buffer): Buffer {
  if (SPREADSHEETS.some((beginning) => file.subarray(0, beginning.length).equals(beginning))) {
    throw unreadableFile('must be a CSV file, and is a spreadsheet; save it as "CSV UTF-8"');
  }
  if (!isUtf8(file)) throw unreadableFile('must be UTF-8; in a spreadsheet choose "CSV UTF-8"');
  return file;
}

async function* csvFile(slices: AsyncIterable<readonly DeviceRecord[]>, present: DevicePresenter) {
  yield stringify([[...EXPORT_COLUMNS]]);
  for await (const slice of slices) {
    yield stringify(
      slice.map((device) => {
        const view = present(device);
        return EXPORT_COLUMNS.map((column) => {
          const cell = column === 'metadata' ? device.metadata : view[column];
          return typeof cell === 'string' ? toSafeCell(cell) : cell;
        });
      }),
      // Blanks around a cell are not part of it unless it is quoted.
      { quoted_match: /^\s|\s$/ },
    );
  }
}

async function* jsonFile(slices: AsyncIterable<readonly DeviceRecord[]>, present: DevicePresenter) {
  let separator = '[';
  for await (const slice of slices) {
    yield slice
      .map((device) => {
        const text = separator + JSON.stringify(present(device));
        separator = ',\n';
        return text;
      })
      .join('');
  }
  yield separator === '[' ? '[]\n' : ']\n';
}
