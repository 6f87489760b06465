import { LRUCache } from 'lru-cache';
import type { EventBus } from '#kernel/events.ts';
import { grownTo } from '#kernel/lru.ts';

/** Asked about again after this, because what another process says of a device is not known here. */
const TRUSTED_MS = 60_000;
const REMEMBERED = 100_000;

/** Which devices that send by HTTP, and so have no connection, are known to be ONLINE. */
export interface HttpPresence {
  /** Whether a request of the device is to be taken for a connect; once, until it is OFFLINE or a minute has passed. */
  isNews(deviceId: number): boolean;
}

/** A request of a device that is known costs one look at a map. */
export function createHttpPresence(events: EventBus): HttpPresence {
  const known = new LRUCache<number, true>({ ...grownTo(REMEMBERED), ttl: TRUSTED_MS });
  events.on('device.went_silent', ({ data }) => void known.delete(data.device_id));
  events.on('device.deleted', ({ data }) => void known.delete(data.device_id));
  events.on('device.status_changed', ({ data }) => {
    if (data.to === 'OFFLINE') known.delete(data.device_id);
  });
  return {
    isNews(deviceId) {
      if (known.has(deviceId)) return false;
      known.set(deviceId, true);
      return true;
    },
  };
}
