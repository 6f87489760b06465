import { join } from 'node:path';
import { createCampaignsModule, createCampaignUsage } from '#modules/campaigns/index.ts';
import { createCommandsModule } from '#modules/commands/index.ts';
import type { DevicesApi } from '#modules/devices/index.ts';
import { createFirmwareModule } from '#modules/firmware/index.ts';
import type { MonitoringApi } from '#modules/monitoring/index.ts';
import type { TelemetryApi } from '#modules/telemetry/index.ts';
import { createTwinModule } from '#modules/twin/index.ts';
import type { ModuleParts } from '#platform/module/module.port.ts';
import type { Realtime } from '#platform/realtime/realtime.port.ts';
import type { Foundation } from './foundation.ts';
import { recordRetentionMs } from './settings.ts';

const MIB = 1024 * 1024;

export interface LifecycleDeps {
  readonly devices: DevicesApi;
  readonly realtime: Realtime;
  readonly monitoring: MonitoringApi;
  readonly telemetry: TelemetryApi;
}

/** What goes from the server to devices. */
export function createLifecycleModules(
  base: Foundation,
  { devices, realtime, monitoring, telemetry }: LifecycleDeps,
): readonly ModuleParts[] {
  const { sql, audit, deviceRefusals: refusals, jobs, events, clock, logger, metrics, infrastructure, settings } = base;
  const commands = createCommandsModule({
    persistence: { sql, audit, refusals },
    devices,
    downlink: infrastructure.broker.downlink,
    realtime,
    counters: infrastructure.rateLimitCounters,
    jobs,
    events,
    runtime: { clock, logger },
    options: {
      alone: infrastructure.fanOut === null,
      retentionMs: recordRetentionMs(settings),
      writeLimit: settings.USER_WRITE_LIMIT,
    },
  });
  const twin = createTwinModule({
    persistence: { sql, audit },
    devices,
    downlink: infrastructure.broker.downlink,
    jobs,
    events,
    metrics,
    runtime: { clock, logger },
  });
  const firmware = createFirmwareModule({
    persistence: {
      ...{ sql, audit, blobs: base.measure.images(infrastructure.blobs) },
      refusals: { devices: refusals, anybody: base.refusals.device },
    },
    usage: createCampaignUsage(sql),
    clock,
    options: {
      keysFolder: join(settings.DATA_DIR, 'keys'),
      maxBytes: settings.FIRMWARE_MAX_MB * MIB,
      requiresSignature: settings.FIRMWARE_REQUIRE_SIGNATURE,
      publicUrl: base.publicUrl.read,
    },
  });
  const campaigns = createCampaignsModule({
    persistence: { sql, audit, refusals },
    modules: { devices, firmware: firmware.api, monitoring, telemetry },
    downlink: infrastructure.broker.downlink,
    jobs,
    events,
    runtime: { clock, logger },
    publicUrl: base.publicUrl.read,
  });
  return [commands, twin, firmware, campaigns];
}
