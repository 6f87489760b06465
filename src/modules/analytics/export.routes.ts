import { Readable } from 'node:stream';
import { stringify } from 'csv-stringify/sync';
import { MANAGEMENT } from '#kernel/access.ts';
import { toIso } from '#kernel/clock.ts';
import { type DevicesApi, deviceErrors } from '#modules/devices/index.ts';
import { type HttpRoutes, principalOf } from '#platform/http/http.port.ts';
import { analyticsErrors } from './analytics.errors.ts';
import { askedRange } from './analytics.routes.ts';
import { DeviceParams } from './analytics.schemas.ts';
import { TelemetryExportFile, TelemetryExportQuery } from './export.schemas.ts';
import type { ExportService, TelemetryExport } from './export.service.ts';

const TYPES = { csv: 'text/csv; charset=utf-8', parquet: 'application/vnd.apache.parquet' } as const;

/** `/api/v1/analytics/export` */
export function createExportRoutes(files: ExportService, devices: Pick<DevicesApi, 'getVisible'>): HttpRoutes {
  return (app) => {
    app.get(
      '/export/:device_id',
      {
        config: {
          access: MANAGEMENT,
          problems: [deviceErrors.device_not_found, analyticsErrors.invalid_analysis_range],
        },
        schema: {
          tags: ['analytics'],
          operationId: 'exportTelemetry',
          summary: 'Export telemetry as a file',
          description:
            'Every sample of the range, a column a metric. In CSV a cell that a spreadsheet would take for a formula ' +
            'has an apostrophe in front of it. In Parquet a column is DOUBLE or BOOLEAN when all its values are, else ' +
            'VARCHAR.',
          params: DeviceParams,
          querystring: TelemetryExportQuery,
          response: { 200: TelemetryExportFile },
        },
      },
      async (request, reply) => {
        const { device_id } = request.params;
        const { metrics, format } = request.query;
        const principal = principalOf(request);
        const { deviceUid } = await devices.getVisible(principal, device_id);
        const gone = new AbortController();
        reply.raw.once('close', () => gone.abort(new Error('the reader is gone')));
        const file = await files.open(
          device_id,
          {
            ...askedRange(request.query),
            ...(metrics === undefined ? {} : { metrics: metrics.split(',').map((name) => name.trim()) }),
          },
          gone.signal,
        );
        await files.note(principal, device_id, file, format);
        const bytes = format === 'parquet' ? files.parquet(file) : csvOf(file);
        return reply
          .type(TYPES[format as 'csv'])
          .header('content-disposition', `attachment; filename="${deviceUid}.${format}"`)
          .send(Readable.from(bytes, { objectMode: false }));
      },
    );
  };
}

/** A number is no formula, also when it begins with a minus. */
const CAST = {
  boolean: String,
  number: (value: number) => ({ value: String(value), escape_formulas: false }),
};

async function* csvOf({ columns, rows }: TelemetryExport): AsyncGenerator<string> {
  yield stringify([['timestamp', ...columns]], { escape_formulas: true });
  for await (const page of rows) {
    const cells = page.map(({ timestamp, metrics }) => [
      toIso(timestamp),
      ...columns.map((column) => (Object.hasOwn(metrics, column) ? metrics[column] : '')),
    ]);
    yield stringify(cells, { escape_formulas: true, cast: CAST });
  }
}
