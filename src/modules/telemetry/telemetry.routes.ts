import { toIso } from '#kernel/clock.ts';
import { defined } from '#kernel/defined.ts';
import { instantOf } from '#kernel/instant.ts';
import { deviceErrors } from '#modules/devices/index.ts';
import { type HttpRoutes, principalOf } from '#platform/http/http.port.ts';
import { telemetryErrors } from './telemetry.errors.ts';
import { sourceOf } from './telemetry.logs.ts';
import {
  DeviceParams,
  HistoryQueryParams,
  HistoryResponse,
  LatestResponse,
  LogsQueryParams,
  LogsResponse,
} from './telemetry.schemas.ts';
import type { SeriesQuery, TelemetryService } from './telemetry.service.ts';

const TAGS = ['telemetry'];

/** `/devices/{device_id}/telemetry…`, `/logs`, mounted beside the devices' own routes. */
export function createTelemetryRoutes(service: TelemetryService): HttpRoutes {
  return (app) => {
    app.get(
      '/:device_id/telemetry/latest',
      {
        config: { access: 'bearer', problems: [deviceErrors.device_not_found] },
        schema: {
          tags: TAGS,
          operationId: 'getLatestTelemetry',
          summary: 'Latest value of each metric',
          description: 'By the time of the samples, not of their arrival. A USER sees only own devices.',
          params: DeviceParams,
          response: { 200: LatestResponse },
        },
      },
      async (request) => {
        const { device_id } = request.params;
        const latest = await service.latest(principalOf(request), device_id);
        const metrics: Record<string, { value: number | boolean | string; timestamp: string }> = {};
        for (const [name, { value, timestamp }] of Object.entries(latest))
          metrics[name] = { value, timestamp: toIso(timestamp) };
        return { device_id, metrics };
      },
    );
    app.get(
      '/:device_id/telemetry',
      {
        config: { access: 'bearer', problems: [deviceErrors.device_not_found, telemetryErrors.invalid_range] },
        schema: {
          tags: TAGS,
          operationId: 'listTelemetry',
          summary: 'History of a device',
          description: 'Raw samples of a time range, newest first unless `order=asc`, in pages by cursor.',
          params: DeviceParams,
          querystring: HistoryQueryParams,
          response: { 200: HistoryResponse },
        },
      },
      async (request) => {
        const { metrics } = request.query;
        const page = await service.history(principalOf(request), request.params.device_id, {
          ...seriesOf(request.query),
          ...(metrics === undefined ? {} : { metrics: metrics.split(',').map((name) => name.trim()) }),
        });
        return { ...page, items: page.items.map((item) => ({ ...item, timestamp: toIso(item.timestamp) })) };
      },
    );
    app.get(
      '/:device_id/logs',
      {
        config: { access: 'bearer', problems: [deviceErrors.device_not_found, telemetryErrors.invalid_range] },
        schema: {
          tags: TAGS,
          operationId: 'listDeviceLogs',
          summary: 'Log of a device',
          description: 'Events that the device logged and its changes of status, kept for 90 days.',
          params: DeviceParams,
          querystring: LogsQueryParams,
          response: { 200: LogsResponse },
        },
      },
      async (request) => {
        const { event_type } = request.query;
        const page = await service.logs(principalOf(request), request.params.device_id, {
          ...seriesOf(request.query),
          ...defined({ eventType: event_type }),
        });
        const items = page.items.map((log) => {
          const { device_id: _, ...shown } = log;
          return { ...shown, source: sourceOf(log), timestamp: toIso(log.timestamp) };
        });
        return { ...page, items: items as never };
      },
    );
  };
}

function seriesOf(query: { start?: string; end?: string; limit: number; cursor?: string; order: string }): SeriesQuery {
  return {
    limit: query.limit,
    order: query.order === 'asc' ? 'asc' : 'desc',
    ...(query.start === undefined ? {} : { start: instantOf(query.start) }),
    ...(query.end === undefined ? {} : { end: instantOf(query.end) }),
    ...defined({ cursor: query.cursor }),
  };
}
