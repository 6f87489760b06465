import { isUtf8 } from 'node:buffer';
import { Readable } from 'node:stream';
import { stringify } from 'csv-stringify/sync';
import { MANAGEMENT } from '#kernel/access.ts';
import { type HttpApp, type HttpRoutes, principalOf } from '#platform/http/http.port.ts';
import { deviceErrors } from '../devices.errors.ts';
import type { DeviceRecord } from '../devices.ports.ts';
import type { DevicePresenter } from '../devices.presenter.ts';
import type { DeviceView } from '../devices.schemas.ts';
import type { ExportService } from './export.service.ts';
import { readDeviceCsv } from './import.csv.ts';
import { IMPORT_MAX_ROWS, type ImportService } from './import.service.ts';
import { ExportFile, ExportQuery, ImportBody, ImportReport, presentReport } from './transfer.schemas.ts';

const tags = ['devices'];

const EXPORT_COLUMNS = [
  'id',
  'device_uid',
  'name',
  'device_type',
  'status',
  'firmware_version',
  'ip_address',
  'group_id',
  'owner_id',
  'last_seen_at',
  'metadata',
  'created_at',
  'updated_at',
] as const satisfies readonly (keyof DeviceView)[];

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
  app.addContentTypeParser('text/csv', { parseAs: 'buffer' }, (_request, body: Buffer, done) => {
    if (isUtf8(body)) done(null, body);
    else {
      const fields = [{ path: '/', message: 'must be UTF-8; in a spreadsheet choose "CSV UTF-8"' }];
      done(deviceErrors.device_import_unreadable({ details: { fields } }));
    }
  });
  app.post(
    '/import',
    {
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
          `column or more than ${IMPORT_MAX_ROWS} rows, is 422 and changes nothing.`,
        body: ImportBody,
        response: { 200: ImportReport },
      },
    },
    async (request) => {
      const body: unknown = request.body;
      const rows = Buffer.isBuffer(body) ? await readDeviceCsv(body, IMPORT_MAX_ROWS) : body;
      if (!Array.isArray(rows)) throw deviceErrors.device_import_unreadable();
      return presentReport(await imports.importRows(principalOf(request), rows));
    },
  );
}

async function* csvFile(slices: AsyncIterable<readonly DeviceRecord[]>, present: DevicePresenter) {
  yield stringify([[...EXPORT_COLUMNS]]);
  for await (const slice of slices) {
    yield stringify(
      slice.map((device) => {
        const view = present(device);
        return EXPORT_COLUMNS.map((column) => (column === 'metadata' ? device.metadata : view[column]));
      }),
      { escape_formulas: true },
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
