import { MANAGEMENT } from '#kernel/access.ts';
import { toIso } from '#kernel/clock.ts';
import { commonErrors } from '#kernel/errors.ts';
import { deviceErrors } from '#modules/devices/index.ts';
import { deviceOf, type HttpRoutes, principalOf } from '#platform/http/http.port.ts';
import { type BodyItems, elementsOf, linesOf, type NoItems, parseJson } from './ingest.bodies.ts';
import { ingestErrors } from './ingest.errors.ts';
import type { LedgerService } from './ingest.ledger.service.ts';
import type { IngestPipeline } from './ingest.pipeline.ts';
import type { IngestLimits } from './ingest.ports.ts';
import {
  IngestBody,
  IngestResponse,
  ingestParams,
  LedgerParams,
  LedgerResponse,
  LedgerTotals,
} from './ingest.schemas.ts';

/** `/ingest/{kind}`: for devices without MQTT. */
export function createIngestRoutes(
  pipeline: IngestPipeline,
  channels: readonly string[],
  limits: IngestLimits,
): HttpRoutes {
  return (app) => {
    // As bytes: a parser that sees the whole would do all the work before anybody can count, and one bad item would
    // be the end of all.
    app.removeContentTypeParser('application/json');
    for (const [type, split] of Object.entries(SPLITTERS)) {
      app.addContentTypeParser(type, { parseAs: 'buffer' }, (_request, body, done) => {
        done(null, { bytes: body as Buffer, split } satisfies RawBody);
      });
    }
    app.post(
      '/:kind',
      {
        config: {
          access: 'device',
          problems: [ingestErrors.invalid_ingest_body, ingestErrors.ingest_overloaded],
        },
        schema: {
          tags: ['ingest'],
          operationId: 'ingestItems',
          summary: `Send ${channels.slice(0, -1).join(', ')} or ${channels.at(-1)} over HTTP`,
          description:
            'The payloads of MQTT: one object, an array of up to 1000, or NDJSON (`application/x-ndjson`). Answered after the commit; ' +
            'an item that is not accepted is listed by its index and keeps no other item from being stored.',
          params: ingestParams(channels),
          body: IngestBody,
          response: { 200: IngestResponse },
        },
      },
      async (request) => {
        const body = request.body as RawBody | undefined;
        if (body === undefined) throw ingestErrors.invalid_ingest_body();
        const { kind: channel } = request.params as { readonly kind: string };
        const about = { bytes: body.bytes.length, span: request.span };
        const items = itemsOf(body, limits);
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

/** `/ingest/ledger`: of the whole installation. */
export function createTotalsRoutes(ledger: LedgerService): HttpRoutes {
  return (app) => {
    app.get(
      '/ledger',
      {
        config: { access: MANAGEMENT },
        schema: {
          tags: ['telemetry'],
          operationId: 'getLedgerTotals',
          summary: 'What became of everything that all devices sent',
          description:
            'The sum of the ledgers of all devices that were ever registered: received = stored + merged + rejected + ' +
            'in_flight. At most two seconds old; `in_flight` is of the process that answers.',
          response: { 200: LedgerTotals },
        },
      },
      async () => {
        const { received, stored, merged, rejected, inFlight, countedAt } = await ledger.totals();
        return {
          ...{ received, stored, merged, rejected: { ...rejected }, in_flight: inFlight },
          counted_at: toIso(countedAt),
        };
      },
    );
  };
}

/** `/devices/{device_id}/ledger`, mounted beside the devices' own routes. */
export function createLedgerRoutes(ledger: LedgerService): HttpRoutes {
  return (app) => {
    app.get(
      '/:device_id/ledger',
      {
        config: { access: 'bearer', problems: [deviceErrors.device_not_found] },
        schema: {
          tags: ['telemetry'],
          operationId: 'getDeviceLedger',
          summary: 'What became of everything that a device sent',
          description: 'Counts items since registration: received = stored + merged + rejected + in_flight.',
          params: LedgerParams,
          response: { 200: LedgerResponse },
        },
      },
      async (request) => {
        const { device_id } = request.params;
        const { received, stored, merged, rejected, inFlight } = await ledger.of(principalOf(request), device_id);
        return { device_id, received, stored, merged, rejected: { ...rejected }, in_flight: inFlight };
      },
    );
  };
}

interface RawBody {
  readonly bytes: Buffer;
  readonly split: (bytes: Buffer, max: number) => BodyItems | NoItems;
}

const SPLITTERS: Readonly<Record<string, RawBody['split']>> = {
  'application/json': elementsOf,
  'application/x-ndjson': linesOf,
};

function itemsOf({ bytes, split }: RawBody, limits: IngestLimits): readonly Buffer[] {
  const found = split(bytes, limits.maxItems);
  if (found === 'malformed') throw commonErrors.malformed_json();
  if (found === 'neither') {
    if (isNoJson(bytes, limits)) throw commonErrors.malformed_json();
    const fields = [{ path: '/', message: 'must be an object, an array or lines of JSON' }];
    throw ingestErrors.invalid_ingest_body({ details: { fields } });
  }
  const { items, more } = found;
  if (items.length === 0 || more) {
    const message = `must hold 1 to ${limits.maxItems} items, has ${more ? 'more' : 'none'}`;
    throw commonErrors.invalid_input({ details: { fields: [{ path: '/', message }] } });
  }
  const [only] = items;
  if (items.length === 1 && split === elementsOf && isNoJson(only as Buffer, limits))
    throw commonErrors.malformed_json();
  return items;
}

function isNoJson(bytes: Buffer, limits: IngestLimits): boolean {
  return parseJson(bytes, limits) === 'invalid_json';
}
