import type { Clock } from '#kernel/clock.ts';
import type { DevicesApi } from '#modules/devices/index.ts';
import type { ModuleWith } from '#platform/module/module.port.ts';
import type { TelemetryStore } from '#platform/telemetry/telemetry.port.ts';
import { LOG_CHANNEL } from './log.channel.ts';
import type { TelemetryApi } from './telemetry.api.ts';
import type { DeviceLogs } from './telemetry.logs.ts';
import { createTelemetryRoutes } from './telemetry.routes.ts';
import { createTelemetryService } from './telemetry.service.ts';
import { createSummaries } from './telemetry.summaries.ts';

export interface TelemetryModuleDeps {
  readonly telemetry: TelemetryStore;
  readonly logs: DeviceLogs;
  readonly devices: Pick<DevicesApi, 'getVisible'>;
  readonly clock: Clock;
  /** How long samples are kept, milliseconds. */
  readonly retentionMs: number;
}

export interface TelemetryModule extends ModuleWith<'routes' | 'retention' | 'documents'> {
  readonly api: TelemetryApi;
}

/** What devices measured and logged. */
export function createTelemetryModule(deps: TelemetryModuleDeps): TelemetryModule {
  const { telemetry, logs, devices, clock, retentionMs } = deps;
  const service = createTelemetryService({ telemetry, logs: logs.collection, devices, clock });
  return {
    name: 'telemetry',
    api: { statusChanges: logs.statusChanges, summaries: createSummaries(telemetry) },
    routes: [{ prefix: '/api/v1/devices', routes: createTelemetryRoutes(service) }],
    documents: { name: 'log', channel: LOG_CHANNEL, collection: logs.collection },
    retention: [
      {
        name: 'telemetry',
        keptMs: retentionMs,
        removeOlderThan: (before, limit) => telemetry.deleteOlderThan(before, limit),
      },
    ],
  };
}
