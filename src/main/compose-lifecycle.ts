import { createCommandsModule } from '#modules/commands/index.ts';
import type { DevicesApi } from '#modules/devices/index.ts';
import { createTwinModule } from '#modules/twin/index.ts';
import type { ModuleParts } from '#platform/module/module.port.ts';
import type { Realtime } from '#platform/realtime/realtime.port.ts';
import type { Foundation } from './foundation.ts';
import { recordRetentionMs } from './settings.ts';

export interface LifecycleDeps {
  readonly devices: DevicesApi;
  readonly realtime: Realtime;
}

/** What goes from the server to devices. */
export function createLifecycleModules(base: Foundation, { devices, realtime }: LifecycleDeps): readonly ModuleParts[] {
  const { sql, audit, jobs, events, clock, logger, infrastructure, settings } = base;
  const commands = createCommandsModule({
    persistence: { sql, audit },
    devices,
    downlink: infrastructure.broker.downlink,
    realtime,
    counters: infrastructure.rateLimitCounters,
    jobs,
    events,
    runtime: { clock, logger },
    options: { alone: infrastructure.fanOut === null, retentionMs: recordRetentionMs(settings) },
  });
  const twin = createTwinModule({
    persistence: { sql, audit },
    devices,
    downlink: infrastructure.broker.downlink,
    jobs,
    events,
    runtime: { clock, logger },
  });
  return [commands, twin];
}
