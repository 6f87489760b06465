import type { EventBus } from '#kernel/events.ts';
import type { DevicesApi } from '#modules/devices/index.ts';
import type { ModuleWith } from '#platform/module/module.port.ts';
import { sendLive } from '#platform/realtime/live-event.port.ts';
import type { Realtime } from '#platform/realtime/realtime.port.ts';
import type { LiveApi } from './live.api.ts';
import { changeRooms, LIVE_CERTIFICATE_ENDING, LIVE_STATUS, LIVE_TELEMETRY, WATCH_COMMANDS } from './live.schemas.ts';
import { createMonitoringNamespace } from './live.socket.ts';
import { createLiveView } from './live.view.ts';

export interface LiveModule extends ModuleWith<'live' | 'commitListeners'> {
  readonly api: LiveApi;
}

export interface LiveModuleDeps {
  readonly realtime: Realtime;
  readonly devices: Pick<DevicesApi, 'findVisibleByUid' | 'mayObserve'>;
  readonly events: EventBus;
}

/** `/monitoring`: people watch devices live. */
export function createLiveModule({ realtime, devices, events: bus }: LiveModuleDeps): LiveModule {
  const events = bus.scope();
  const namespace = createMonitoringNamespace(realtime, devices, events);
  const view = createLiveView(namespace);
  return {
    name: 'live',
    listens: events,
    api: {
      toWatchers: (deviceUid, event, data) => sendLive(namespace, event, changeRooms(deviceUid), data),
    },
    live: { events: [LIVE_TELEMETRY, LIVE_STATUS, LIVE_CERTIFICATE_ENDING], commands: [WATCH_COMMANDS] },
    commitListeners: [{ name: 'live view', committed: view.show }],
  };
}
