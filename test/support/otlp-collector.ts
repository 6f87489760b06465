import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface CollectedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly name: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly startTimeUnixNano: bigint;
  readonly endTimeUnixNano: bigint;
}

export interface OtlpCollector {
  readonly endpoint: string;
  /** In the order of their arrival. */
  readonly spans: readonly CollectedSpan[];
  /** Headers of the last delivery. */
  headers(): Readonly<Record<string, unknown>>;
  /** Attributes of the service, of the last delivery. */
  resource(): Readonly<Record<string, unknown>>;
  close(): Promise<void>;
}

interface Attribute {
  readonly key: string;
  readonly value: Readonly<Record<string, unknown>>;
}

const attributesOf = (list: readonly Attribute[] = []) =>
  Object.fromEntries(list.map(({ key, value }) => [key, Object.values(value)[0]]));

/** Takes traces as a collector of OpenTelemetry does: OTLP/HTTP with JSON. https://opentelemetry.io/docs/specs/otlp/ */
export async function startOtlpCollector(): Promise<OtlpCollector> {
  const spans: CollectedSpan[] = [];
  let headers: Readonly<Record<string, unknown>> = {};
  let resource: Readonly<Record<string, unknown>> = {};
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => {
      if (request.url !== '/v1/traces' || request.headers['content-type'] !== 'application/json') {
        response.writeHead(404).end();
        return;
      }
      headers = request.headers;
      for (const each of JSON.parse(Buffer.concat(chunks).toString()).resourceSpans) {
        resource = attributesOf(each.resource.attributes);
        for (const span of each.scopeSpans.flatMap((scope: { spans: readonly unknown[] }) => scope.spans)) {
          spans.push({
            ...span,
            parentSpanId: span.parentSpanId ?? '',
            attributes: attributesOf(span.attributes),
            startTimeUnixNano: BigInt(span.startTimeUnixNano),
            endTimeUnixNano: BigInt(span.endTimeUnixNano),
          });
        }
      }
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    headers: () => headers,
    resource: () => resource,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
