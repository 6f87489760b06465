import { expect, test } from 'vitest';
import { type Logger, silentLogger } from '#kernel/logger.ts';
import { startOtlpCollector } from '#test/support/otlp-collector.ts';
import { freePort } from '#test/support/server-process.ts';
import { tracingContract } from '../tracing.contract.ts';
import { createOpenTelemetryTracing } from './opentelemetry.ts';
import { parseTraceparent } from './traceparent.ts';

const soon = () => AbortSignal.timeout(5_000);
const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';

function tracingTo(endpoint: string, options: { readonly ratio?: number; readonly logger?: Logger } = {}) {
  return createOpenTelemetryTracing({
    endpoint,
    headers: { 'x-token': 'a token' },
    serviceName: 'a service',
    serviceVersion: '1.2.3',
    instanceId: 'one',
    ratio: 1,
    logger: silentLogger,
    ...options,
  });
}

tracingContract('OpenTelemetry', async () => {
  const collector = await startOtlpCollector();
  const tracing = tracingTo(collector.endpoint);
  return {
    tracing,
    async close() {
      await tracing.stop?.(soon());
      await collector.close();
    },
  };
});

test('spans arrive with their parents, attributes and errors, and what is left when it stops', async () => {
  const collector = await startOtlpCollector();
  const tracing = tracingTo(`${collector.endpoint}/`);
  const root = tracing.begin('receive telemetry', 'consumer', { 'messaging.system': 'mqtt' });
  const part = root.child('commit', { items: 3 });
  part.end(new Error('disk full'));
  root.end();
  const late = root.child('live emit');
  late.end();
  tracing.continue(`00-${TRACE}-${SPAN}-01`, 'GET /x', 'server')?.end();
  await tracing.stop?.(soon());

  const named = (name: string) => collector.spans.find((span) => span.name === name);
  expect(collector.spans).toHaveLength(4);
  expect(named('receive telemetry')).toMatchObject({ parentSpanId: '', attributes: { 'messaging.system': 'mqtt' } });
  for (const name of ['commit', 'live emit']) {
    expect(named(name)).toMatchObject({
      traceId: named('receive telemetry')?.traceId,
      parentSpanId: named('receive telemetry')?.spanId,
    });
  }
  expect(named('commit')).toMatchObject({ attributes: { items: 3 }, status: { code: 2 } });
  expect(named('GET /x')).toMatchObject({ traceId: TRACE, parentSpanId: SPAN });
  expect(collector.headers()).toMatchObject({ 'x-token': 'a token' });
  expect(collector.resource()).toMatchObject({ 'service.name': 'a service', 'service.instance.id': 'one' });
  await collector.close();
});

test('a ratio of 0 records only what callers record', async () => {
  const tracing = tracingTo(`http://127.0.0.1:${await freePort()}`, { ratio: 0 });
  expect(Array.from({ length: 1_000 }, () => tracing.samples())).not.toContain(true);
  expect(tracing.continue(undefined, 'GET /x', 'server')).toBeNull();
  expect(tracing.continue('nonsense', 'GET /x', 'server')).toBeNull();
  expect(tracing.continue(`00-${TRACE}-${SPAN}-01`, 'GET /x', 'server')).not.toBeNull();
});

test('a collector that is away costs the traces and one line in the log', async () => {
  const warnings: unknown[] = [];
  const logger = { ...silentLogger, warn: (...line: unknown[]) => void warnings.push(line) };
  const tracing = tracingTo(`http://127.0.0.1:${await freePort()}`, { logger });
  tracing.begin('lost', 'internal').end();
  await tracing.stop?.(soon());
  expect(warnings).toEqual([[expect.objectContaining({ spans: 1 }), 'traces cannot be delivered and are dropped']]);
});

test.each([
  [`00-${TRACE}-${SPAN}-01`, { traceId: TRACE, spanId: SPAN, isSampled: true }],
  [`00-${TRACE}-${SPAN}-00`, { traceId: TRACE, spanId: SPAN, isSampled: false }],
  [`cc-${TRACE}-${SPAN}-03-what-a-later-version-adds`, { traceId: TRACE, spanId: SPAN, isSampled: true }],
  [`00-${TRACE}-${SPAN}-01-more`, null],
  [`ff-${TRACE}-${SPAN}-01`, null],
  [`00-${'0'.repeat(32)}-${SPAN}-01`, null],
  [`00-${TRACE}-${'0'.repeat(16)}-01`, null],
  [`00-${TRACE.toUpperCase()}-${SPAN}-01`, null],
  [undefined, null],
])('traceparent %s', (header, expected) => {
  expect(parseTraceparent(header)).toEqual(expected);
});
