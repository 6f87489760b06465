import { toIso } from '#kernel/clock.ts';
import { commonErrors } from '#kernel/errors.ts';
import { instantOf } from '#kernel/instant.ts';
import { deviceErrors } from '#modules/devices/index.ts';
import { deviceOf, type HttpRoutes, principalOf } from '#platform/http/http.port.ts';
import { telemetryErrors } from './telemetry.errors.ts';
import { type ParsedJson, parseJson } from './telemetry.payload.ts';
import type { IngestPipeline } from './telemetry.pipeline.ts';
import type { DeviceChannel, IngestLimits, RejectReason } from './telemetry.ports.ts';
import {
  DeviceParams,
  HistoryQueryParams,
  HistoryResponse,
  IngestBody,
  IngestParams,
  IngestResponse,
  LatestResponse,
  LedgerResponse,
  LogsQueryParams,
  LogsResponse,
} from './telemetry.schemas.ts';
import type { SeriesQuery, TelemetryService } from './telemetry.service.ts';

const TAGS = ['telemetry'];

/** `/devices/{device_id}/telemetry…`, `/logs`, `/ledger`, mounted beside the devices' own routes. */
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
          ...(event_type === undefined ? {} : { eventType: event_type }),
        });
        const items = page.items.map(({ device_id: _, ...log }) => ({ ...log, timestamp: toIso(log.timestamp) }));
        return { ...page, items: items as never };
      },
    );
    app.get(
      '/:device_id/ledger',
      {
        config: { access: 'bearer', problems: [deviceErrors.device_not_found] },
        schema: {
          tags: TAGS,
          operationId: 'getDeviceLedger',
          summary: 'What became of everything that a device sent',
          description: 'Counts items since registration: received = stored + merged + rejected + in_flight.',
          params: DeviceParams,
          response: { 200: LedgerResponse },
        },
      },
      async (request) => {
        const { device_id } = request.params;
        const { received, stored, merged, rejected, inFlight } = await service.ledger(principalOf(request), device_id);
        return { device_id, received, stored, merged, rejected: { ...rejected }, in_flight: inFlight };
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
    ...(query.cursor === undefined ? {} : { cursor: query.cursor }),
  };
}

/** `/ingest/{kind}`: for devices without MQTT. */
export function createIngestRoutes(pipeline: IngestPipeline, limits: IngestLimits): HttpRoutes {
  return (app) => {
    app.addContentTypeParser('application/x-ndjson', { parseAs: 'string' }, (_request, body, done) => {
      done(null, new NdjsonBody(String(body)));
    });
    app.post(
      '/:kind',
      {
        config: {
          access: 'device',
          problems: [telemetryErrors.invalid_ingest_body, telemetryErrors.ingest_overloaded],
        },
        schema: {
          tags: ['ingest'],
          operationId: 'ingestItems',
          summary: 'Send telemetry, status, log or response over HTTP',
          description:
            'The payloads of MQTT: one object, an array of up to 1000, or NDJSON (`application/x-ndjson`). Answered after the commit; ' +
            'an item that is not accepted is listed by its index and keeps no other item from being stored.',
          params: IngestParams,
          body: IngestBody,
          response: { 200: IngestResponse },
        },
      },
      async (request) => {
        // Sent in chunks a body says no length; then it counts for the most that a body may be.
        const bytes = Number(request.headers['content-length'] ?? request.routeOptions.bodyLimit);
        const items = itemsOf(request.body, bytes, limits);
        const channel = request.params.kind as DeviceChannel;
        const about = { bytes, span: request.span };
        const outcomes = await pipeline.receiveItems(deviceOf(request), channel, items, about);
        const rejected: { index: number; reason: string }[] = [];
        let stored = 0;
        let merged = 0;
        for (const [index, outcome] of outcomes.entries()) {
          if (outcome === 'stored') stored += 1;
          else if (outcome === 'merged') merged += 1;
          else rejected.push({ index, reason: outcome });
        }
        return { stored, merged, rejected };
      },
    );
  };
}

/** Marks a body as lines, which an array of JSON values could not be told from. */
class NdjsonBody {
  readonly lines: readonly string[];
  constructor(text: string) {
    this.lines = text.split('\n').filter((line) => line.trim() !== '');
  }
}

/** The body as a whole has a limit of its own; each item in it is limited as a message of its own would be. */
function itemsOf(body: unknown, bytes: number, limits: IngestLimits): readonly (ParsedJson | RejectReason)[] {
  const mayBeTooLarge = bytes > limits.maxPayloadBytes;
  const limited = (value: unknown): ParsedJson | RejectReason =>
    mayBeTooLarge && sizeOf(value) > limits.maxPayloadBytes ? 'payload_too_large' : { value };
  let items: (ParsedJson | RejectReason)[];
  if (body instanceof NdjsonBody) items = body.lines.map((line) => parseJson(Buffer.from(line), limits));
  else if (Array.isArray(body)) items = body.map(limited);
  else if (typeof body === 'object' && body !== null) items = [limited(body)];
  else {
    const fields = [{ path: '/', message: 'must be an object, an array or lines of JSON' }];
    throw telemetryErrors.invalid_ingest_body({ details: { fields } });
  }
  if (items.length === 0 || items.length > limits.maxItems) {
    const message = `must hold 1 to ${limits.maxItems} items, has ${items.length}`;
    throw commonErrors.invalid_input({ details: { fields: [{ path: '/', message }] } });
  }
  return items;
}

/** In bytes of JSON. What is nested too deeply to be written is too large. */
function sizeOf(value: unknown): number {
  try {
    return Buffer.byteLength(JSON.stringify(value));
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
