import {
  type Context,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, NodeTracerProvider, type SpanExporter } from '@opentelemetry/sdk-trace-node';
import { aborted } from '#kernel/concurrency.ts';
import { defined } from '#kernel/defined.ts';
import type { Logger } from '#kernel/logger.ts';
import type { SpanKind as Kind, Span, SpanAttributes, Tracing } from '../tracing.port.ts';
import { parseTraceparent } from './traceparent.ts';

export interface OpenTelemetryOptions {
  /** Base address of an OTLP/HTTP receiver; spans go to `<endpoint>/v1/traces`. */
  readonly endpoint: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly serviceName: string;
  readonly serviceVersion: string;
  readonly instanceId: string;
  /** 0..1: which part of the work that begins here is recorded. */
  readonly ratio: number;
  readonly logger: Logger;
}

const KINDS: Readonly<Record<Kind, SpanKind>> = {
  server: SpanKind.SERVER,
  consumer: SpanKind.CONSUMER,
  internal: SpanKind.INTERNAL,
};
const EXPORT_TIMEOUT_MS = 5_000;
/** Spans leave after so long at the latest. */
const DELAY_MS = 1_000;
const FAILURE_LOG_INTERVAL_MS = 60_000;

/** Spans for an OTLP/HTTP receiver, in batches. A provider of its own: nothing global is set or read. */
export function createOpenTelemetryTracing(options: OpenTelemetryOptions): Tracing {
  const { endpoint, headers, ratio, logger } = options;
  const exporter = new OTLPTraceExporter({
    url: `${endpoint.replace(/\/+$/, '')}/v1/traces`,
    headers: { ...headers },
    timeoutMillis: EXPORT_TIMEOUT_MS,
  });
  const provider = new NodeTracerProvider({
    resource: resourceFromAttributes({
      'service.name': options.serviceName,
      'service.version': options.serviceVersion,
      'service.instance.id': options.instanceId,
    }),
    spanProcessors: [new BatchSpanProcessor(told(exporter, logger), { scheduledDelayMillis: DELAY_MS })],
  });
  const tracer = provider.getTracer('core-api', options.serviceVersion);
  const samples = () => Math.random() < ratio;

  return {
    name: 'tracing',
    samples,
    begin: (name, kind, attributes) => spanIn(tracer, ROOT_CONTEXT, name, KINDS[kind], attributes),
    continue(traceparent, name, kind) {
      const parent = parseTraceparent(traceparent);
      if (parent === null) return samples() ? spanIn(tracer, ROOT_CONTEXT, name, KINDS[kind]) : null;
      if (!parent.isSampled) return null;
      const { traceId, spanId } = parent;
      const remote = { traceId, spanId, traceFlags: TraceFlags.SAMPLED, isRemote: true };
      return spanIn(tracer, trace.setSpanContext(ROOT_CONTEXT, remote), name, KINDS[kind]);
    },
    async stop(signal) {
      // What cannot be delivered now is lost, and has been logged.
      await Promise.race([provider.shutdown().catch(() => {}), aborted(signal)]);
    },
  };
}

function spanIn(tracer: Tracer, context: Context, name: string, kind: SpanKind, attributes?: SpanAttributes): Span {
  const span = tracer.startSpan(name, { kind, ...defined({ attributes }) }, context);
  return {
    child: (childName, childAttributes) =>
      spanIn(tracer, trace.setSpan(context, span), childName, SpanKind.INTERNAL, childAttributes),
    set: (more) => void span.setAttributes(more),
    end(error) {
      if (error !== undefined) {
        span.recordException(error instanceof Error ? error : String(error));
        span.setStatus({ code: SpanStatusCode.ERROR });
      }
      span.end();
    },
  };
}

/** The exporter, with a line a minute when it fails: otherwise nobody would know why there are no traces. */
function told(exporter: OTLPTraceExporter, logger: Logger): SpanExporter {
  let toldAt = Number.NEGATIVE_INFINITY;
  return {
    export(spans, done) {
      exporter.export(spans, (result) => {
        if (result.error !== undefined && performance.now() - toldAt > FAILURE_LOG_INTERVAL_MS) {
          toldAt = performance.now();
          logger.warn({ err: result.error, spans: spans.length }, 'traces cannot be delivered and are dropped');
        }
        done(result);
      });
    },
    shutdown: () => exporter.shutdown(),
    forceFlush: () => exporter.forceFlush(),
  };
}
