import type { Clock } from '#kernel/clock.ts';
import { commonErrors } from '#kernel/errors.ts';
import { createOrderedIds } from '#kernel/ids.ts';
import type { Logger } from '#kernel/logger.ts';
import type { DevicesApi } from '#modules/devices/index.ts';
import type { Channel, CommitListener, DocumentSink, Sink } from '#platform/channels/channel.port.ts';
import type { ModuleWith } from '#platform/module/module.port.ts';
import type { TelemetryStore } from '#platform/telemetry/telemetry.port.ts';
import type { Tracing } from '#platform/tracing/tracing.port.ts';
import type { IngestApi } from './ingest.api.ts';
import { createBatchCommitter } from './ingest.commit.ts';
import { createLedgerService } from './ingest.ledger.service.ts';
import { createIngestMqttHandler } from './ingest.mqtt.ts';
import { createIngestPipeline } from './ingest.pipeline.ts';
import { type IngestLimits, TELEMETRY } from './ingest.ports.ts';
import { createIngestRoutes, createLedgerRoutes, createTotalsRoutes } from './ingest.routes.ts';
import { createDeviceThrottle, unthrottled } from './ingest.throttle.ts';

export interface IngestModuleDeps {
  readonly telemetry: TelemetryStore;
  readonly devices: Pick<
    DevicesApi,
    'authenticate' | 'identify' | 'findByUid' | 'findClaim' | 'provision' | 'getVisible'
  >;
  readonly flow: IngestFlow;
  readonly runtime: { readonly clock: Clock; readonly logger: Logger; readonly tracing: Tracing };
  readonly limits: IngestLimits;
  /** Told how long an acknowledgement is held back, milliseconds. */
  readonly onDelay: (delayMs: number) => void;
}

/** What comes in beside telemetry, where it goes, and what happens once it is on disk. */
export interface IngestFlow {
  readonly channels: readonly Channel[];
  readonly sinks: readonly Sink[];
  readonly documents: DocumentSink;
  /** In this order. */
  readonly listeners: readonly CommitListener[];
}

export interface IngestModule extends ModuleWith<'routes' | 'components'> {
  readonly api: IngestApi;
}

/** The way of what devices send: MQTT or HTTP → pipeline → batch → sinks, store, listeners → acknowledgement. */
export function createIngestModule(deps: IngestModuleDeps): IngestModule {
  const { telemetry, devices, flow, runtime, limits, onDelay } = deps;
  const { clock, logger, tracing } = runtime;
  const { channels, sinks, documents, listeners } = flow;
  const committer = createBatchCommitter({ telemetry, sinks, documents, maxNames: limits.maxNames, logger, listeners });
  const throttle =
    limits.maxRatePerDevice === null
      ? unthrottled
      : createDeviceThrottle({
          itemsPerSecond: limits.maxRatePerDevice,
          isMqttPaced: limits.isMqttPaced,
          clock,
          onDelay,
        });
  const nextId = createOrderedIds(clock);
  const pipeline = createIngestPipeline({
    channels,
    sinks,
    committer,
    clock,
    logger,
    limits,
    throttle,
    tracing,
    nextId,
  });
  const ledger = createLedgerService({ telemetry, devices, pipeline, clock });
  const names = [TELEMETRY, ...channels.map(({ name }) => name)];

  return {
    name: 'ingest',
    routes: [
      { prefix: '/api/v1/devices', routes: createLedgerRoutes(ledger) },
      { prefix: '/api/v1/ingest', routes: createTotalsRoutes(ledger) },
      { prefix: '/api/v1/ingest', routes: createIngestRoutes(pipeline, names, limits), role: 'ingest' },
    ],
    api: { mqtt: createIngestMqttHandler(devices, pipeline) },
    components: [pipeline],
    checks: {
      telemetry: {
        ready: async () => {
          await telemetry.ping();
          if (committer.isStalled()) throw commonErrors.unavailable();
        },
      },
      ingest: {
        roles: ['ingest'],
        health: async () => {
          const items = pipeline.backlog();
          return items === 0 ? undefined : `${items} items wait to be committed.`;
        },
      },
    },
  };
}
