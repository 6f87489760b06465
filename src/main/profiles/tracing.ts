import type { Logger } from '#kernel/logger.ts';
import type { Tracing } from '#platform/tracing/tracing.port.ts';
import type { Settings } from '../settings.ts';
import { VERSION } from '../version.ts';

/** Traces for OpenTelemetry, or none: its libraries are loaded only when they are sent somewhere. */
export async function createTracing(settings: Settings, logger: Logger): Promise<Tracing> {
  const { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint } = settings;
  if (endpoint === null) {
    const { noTracing } = await import('#platform/tracing/no-tracing.ts');
    return noTracing;
  }
  const { createOpenTelemetryTracing } = await import('#platform/tracing/opentelemetry/opentelemetry.ts');
  return createOpenTelemetryTracing({
    endpoint,
    headers: settings.OTEL_EXPORTER_OTLP_HEADERS ?? {},
    serviceName: settings.OTEL_SERVICE_NAME,
    serviceVersion: VERSION,
    instanceId: settings.INSTANCE_ID,
    ratio: settings.OTEL_TRACES_SAMPLER_ARG,
    logger: logger.child({ component: 'tracing' }),
  });
}
