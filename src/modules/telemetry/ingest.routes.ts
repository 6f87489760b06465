import { commonErrors } from '#kernel/errors.ts';
import { deviceOf, type HttpRoutes } from '#platform/http/http.port.ts';
import { type BodyItems, elementsOf, linesOf, type NoItems } from './telemetry.bodies.ts';
import { telemetryErrors } from './telemetry.errors.ts';
import { parseJson } from './telemetry.json.ts';
import type { IngestPipeline } from './telemetry.pipeline.ts';
import type { DeviceChannel, IngestLimits } from './telemetry.ports.ts';
import { IngestBody, IngestParams, IngestResponse } from './telemetry.schemas.ts';

/** `/ingest/{kind}`: for devices without MQTT. */
export function createIngestRoutes(pipeline: IngestPipeline, limits: IngestLimits): HttpRoutes {
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
        const body = request.body as RawBody | undefined;
        if (body === undefined) throw telemetryErrors.invalid_ingest_body();
        const channel = request.params.kind as DeviceChannel;
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
    throw telemetryErrors.invalid_ingest_body({ details: { fields } });
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
