import type { EventBus } from '#kernel/events.ts';
import type { DevicesApi } from '#modules/devices/index.ts';
import type { ModuleWith } from '#platform/module/module.port.ts';
import { type LiveData, type LiveEvent, sendLive } from '#platform/realtime/live-event.port.ts';
import type { Realtime } from '#platform/realtime/realtime.port.ts';
import { ALL_DEVICES_ROOM, deviceRoom, LIVE_STATUS, LIVE_TELEMETRY, WATCH_COMMANDS } from './live.schemas.ts';
import { createMonitoringNamespace } from './live.socket.ts';
import { createLiveView } from './live.view.ts';

/** What other modules may show to those who watch devices. */
export interface LiveApi {
  /** Sends an event of `/monitoring` to everyone who watches the device, in every process. Costs two lookups if nobody does. */
  toWatchers<E extends LiveEvent>(deviceUid: string, event: E, data: LiveData<E>): void;
}

export interface LiveModule extends ModuleWith<'live' | 'commitListeners'> {
  readonly api: LiveApi;
}

export interface LiveModuleDeps {
  readonly realtime: Realtime;
  readonly devices: Pick<DevicesApi, 'findVisibleByUid' | 'mayObserve'>;
  readonly events: EventBus;
}

/** `/monitoring`: people watch devices live. */
export function createLiveModule({ realtime, devices, events }: LiveModuleDeps): LiveModule {
  const namespace = createMonitoringNamespace(realtime, devices, events);
  const view = createLiveView(namespace);
  return {
    name: 'live',
    api: {
      toWatchers: (deviceUid, event, data) =>
        sendLive(namespace, event, [deviceRoom(deviceUid), ALL_DEVICES_ROOM], data),
    },
    live: { events: [LIVE_TELEMETRY, LIVE_STATUS], commands: [WATCH_COMMANDS] },
    commitListeners: [{ name: 'live view', committed: view.show }],
  };
}
