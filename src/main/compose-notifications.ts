import { type Clock, systemClock } from '#kernel/clock.ts';
import { commonErrors } from '#kernel/errors.ts';
import { createEventBus } from '#kernel/events.ts';
import type { Logger } from '#kernel/logger.ts';
import { createNotificationsCore } from '#modules/notifications/index.ts';
import { createMemoryCounters } from '#platform/cache/memory-counters.ts';
import { createHttpServer } from '#platform/http/http.server.ts';
import { createProbeRoutes } from '#platform/http/probes.ts';
import { createMetrics } from '#platform/metrics/metrics.ts';
import { createRemoteServer } from '#platform/remote/remote-server.ts';
import { consumeEvents, publishEvents } from '#platform/streams/stream-events.ts';
import { createMeasurements } from './measurements.ts';
import { createModuleInfrastructure, NOTIFICATIONS_PROCESS } from './profiles/notifications.ts';
import { createTracing } from './profiles/tracing.ts';
import type { Runnable } from './run-until-stopped.ts';
import { recordRetentionMs, type Settings } from './settings.ts';
import { VERSION } from './version.ts';

/** `SERVE_MODULE=notifications`: the notifications' core and nothing else, for processes with NOTIFICATIONS_URL. */
export async function composeNotifications(
  settings: Settings,
  logger: Logger,
  clock: Clock = systemClock,
): Promise<Runnable> {
  const { REDIS_URL: redisUrl, INTERNAL_SECRET: secret } = settings;
  if (redisUrl === null || secret === null) throw new Error('SERVE_MODULE without REDIS_URL or INTERNAL_SECRET');
  let serving = false;
  const events = createEventBus(logger);
  const metrics = createMetrics();
  const measure = createMeasurements(metrics);
  const tracing = await createTracing(settings, logger);
  const { streams, checks, components, ...stores } = await createModuleInfrastructure(
    settings,
    redisUrl,
    clock,
    logger,
  );
  const documents = measure.documents(stores.documents);
  const { name, methods, toldBy, tells } = NOTIFICATIONS_PROCESS;

  const api = createNotificationsCore({ documents, events, clock, retentionMs: recordRetentionMs(settings) });
  publishEvents({ events, streams }, tells.stream, tells.types);
  consumeEvents({ events, streams }, toldBy, toldBy.types);

  const nobody = async () => {
    throw commonErrors.authentication_required();
  };
  const http = await createHttpServer({
    host: settings.HTTP_HOST,
    port: settings.HTTP_PORT,
    logger,
    version: VERSION,
    operations: { port: settings.METRICS_PORT, token: settings.METRICS_TOKEN },
    corsOrigins: [],
    trustProxy: false,
    rateLimit: null,
    counters: createMemoryCounters({ clock }),
    tracing,
    authenticator: { bearer: nobody, device: nobody },
    routes: [
      createRemoteServer({ name, api, methods, secret, logger }),
      { prefix: '', routes: metrics.routes },
      { prefix: '', routes: createProbeRoutes({ isServing: () => serving, checks }) },
    ],
    onResponse: measure.http,
  });

  return {
    components: [tracing, ...components, http, streams.consumers],
    http,
    setServing: (value) => {
      serving = value;
    },
  };
}
