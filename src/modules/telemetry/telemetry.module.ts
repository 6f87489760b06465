import type { Clock } from '#kernel/clock.ts';
import type { EventBus } from '#kernel/events.ts';
import { createOrderedIds } from '#kernel/ids.ts';
import type { Component } from '#kernel/lifecycle.ts';
import type { Logger } from '#kernel/logger.ts';
import type { DevicesApi } from '#modules/devices/index.ts';
import type { DocumentStore } from '#platform/documents/documents.port.ts';
import type { HttpMount } from '#platform/http/http.port.ts';
import type { MqttHandler } from '#platform/mqtt/mqtt.port.ts';
import type { Realtime } from '#platform/realtime/realtime.port.ts';
import type { Retention } from '#platform/retention/retention.port.ts';
import type { Sample, TelemetryStore } from '#platform/telemetry/telemetry.port.ts';
import type { Tracing } from '#platform/tracing/tracing.port.ts';
import { createIngestRoutes } from './ingest.routes.ts';
import { createTelemetryApi, type TelemetryApi } from './telemetry.api.ts';
import type { Batch } from './telemetry.batch.ts';
import { createBatchCommitter } from './telemetry.commit.ts';
import { createLastSeen } from './telemetry.last-seen.ts';
import { ALL_DEVICES_ROOM, createLiveView, deviceRoom } from './telemetry.live.ts';
import { createTelemetryMqttHandler } from './telemetry.mqtt.ts';
import { createIngestPipeline } from './telemetry.pipeline.ts';
import { type DeviceLog, type IngestLimits, LOG_RETENTION_MS } from './telemetry.ports.ts';
import { createHttpPresence } from './telemetry.presence.ts';
import { createReturns } from './telemetry.returns.ts';
import { createTelemetryRoutes } from './telemetry.routes.ts';
import { createTelemetryService } from './telemetry.service.ts';
import { createMonitoringNamespace } from './telemetry.socket.ts';
import { createStatusLogs } from './telemetry.status-logs.ts';
import { createDeviceThrottle, unthrottled } from './telemetry.throttle.ts';
import { endCommit, spansOf } from './telemetry.traces.ts';

/** What the ingest path tells others: while they listen, acknowledgements wait. */
export interface IngestObserver {
  /** Samples that are on disk now, in the order of their arrival. */
  stored(samples: readonly Sample[]): void;
  /** For the metrics. */
  committed(batch: { readonly items: number; readonly samples: number }): void;
  delayed(delayMs: number): void;
}

export interface TelemetryModuleDependencies {
  readonly stores: { readonly telemetry: TelemetryStore; readonly documents: DocumentStore };
  readonly devices: DevicesApi;
  readonly realtime: Realtime;
  readonly events: EventBus;
  readonly runtime: { readonly clock: Clock; readonly logger: Logger; readonly tracing: Tracing };
  readonly limits: IngestLimits;
  readonly observer: IngestObserver;
}

export interface TelemetryModule {
  readonly api: TelemetryApi;
  /** What people ask. */
  readonly apiRoutes: readonly HttpMount[];
  /** What devices send. */
  readonly ingestRoutes: readonly HttpMount[];
  readonly mqttHandler: MqttHandler;
  readonly retention: readonly Retention[];
  /** In start order; the broker starts after them and stops before. */
  readonly components: readonly Component[];
  /** Whether acknowledgements are waiting for a store that is away. */
  isStalled(): boolean;
  /** Items that were received and are not committed yet. */
  backlog(): number;
  /** Sends an event of another part to who watches the device on `/monitoring`, in every process. */
  tellWatchers(deviceUid: string, event: string, data: object): void;
}

export function createTelemetryModule(dependencies: TelemetryModuleDependencies): TelemetryModule {
  const { stores, devices, realtime, events, runtime, limits, observer } = dependencies;
  const { telemetry } = stores;
  const { clock, logger, tracing } = runtime;
  const logs = stores.documents.collection<DeviceLog>({
    name: 'device_logs',
    indexes: [
      ['device_id', 'timestamp'],
      ['device_id', 'event_type', 'timestamp'],
      ['device_id', 'source', 'event_type', 'timestamp'],
    ],
    expiry: { field: 'timestamp', afterMs: LOG_RETENTION_MS },
  });
  const namespace = createMonitoringNamespace(realtime, devices, events);
  const live = createLiveView(namespace);
  const lastSeen = createLastSeen(devices, logger);
  const returns = createReturns(devices, events, logger);
  const onCommitted = (batch: Batch) => {
    endCommit(batch);
    lastSeen.note(batch.devices.keys(), batch.receivedAt);
    returns.note(batch.devices.keys(), batch.receivedAt);
    live.show(batch.devices, batch.samples, spansOf(batch));
    observer.stored(batch.samples);
    observer.committed({ items: batch.items, samples: batch.samples.length });
  };
  const nextId = createOrderedIds(clock);
  const statusLogs = createStatusLogs({ logs, devices, events, clock, logger });
  const committer = createBatchCommitter({
    telemetry,
    logs,
    devices,
    maxNames: limits.maxNames,
    logger,
    onStatusLogged: statusLogs.written,
    onCommitted,
  });
  const throttle =
    limits.maxRatePerDevice === null
      ? unthrottled
      : createDeviceThrottle({
          itemsPerSecond: limits.maxRatePerDevice,
          isMqttPaced: limits.isMqttPaced,
          clock,
          onDelay: observer.delayed,
        });
  const presence = createHttpPresence(events);
  const pipeline = createIngestPipeline({ committer, clock, logger, limits, throttle, presence, tracing, nextId });
  const service = createTelemetryService({ telemetry, logs, devices, pipeline, clock });

  return {
    api: createTelemetryApi(logs),
    apiRoutes: [{ prefix: '/api/v1/devices', routes: createTelemetryRoutes(service) }],
    ingestRoutes: [{ prefix: '/api/v1/ingest', routes: createIngestRoutes(pipeline, limits) }],
    mqttHandler: createTelemetryMqttHandler(devices, pipeline),
    retention: [
      {
        name: 'telemetry',
        keptMs: limits.maxAgeMs,
        removeOlderThan: (before, limit) => telemetry.deleteOlderThan(before, limit),
      },
    ],
    components: [statusLogs, lastSeen, pipeline],
    isStalled: () => committer.isStalled(),
    backlog: () => pipeline.backlog(),
    tellWatchers: (deviceUid, event, data) => namespace.emit([deviceRoom(deviceUid), ALL_DEVICES_ROOM], event, data),
  };
}
