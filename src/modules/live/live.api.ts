import type { LiveData, LiveEvent } from '#platform/realtime/live-event.port.ts';

/** What other modules may show to people who watch devices on `/monitoring`. */
export interface LiveApi {
  /**
   * Sends an event to everyone who watches the device, or all devices, in every process; at most once, in the order of the
   * calls of one process. Returns at once and never throws; when nobody watches it costs two lookups. Who may see the
   * device has been checked when they subscribed, and is checked again when its owner changes.
   * @param event one that the module has declared in its `live`
   */
  toWatchers<E extends LiveEvent>(deviceUid: string, event: E, data: LiveData<E>): void;
}
