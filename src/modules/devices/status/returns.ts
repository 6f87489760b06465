import type { EventBus } from '#kernel/events.ts';
import type { Logger } from '#kernel/logger.ts';
import type { StatusService } from './status.service.ts';

/** Devices that were set OFFLINE for their silence, while their connection may have lived on. */
export interface Returns {
  /** These were heard of: those that had been silent are ONLINE again. */
  note(deviceIds: Iterable<number>, at: number): void;
}

/**
 * Nothing is asked for a device that was not silent: the common message costs one look at an empty set. What another
 * process found silent is known here by the relay.
 */
export function createReturns(
  statuses: Pick<StatusService, 'applyStatuses'>,
  events: EventBus,
  logger: Logger,
): Returns {
  const silent = new Set<number>();
  events.on('device.went_silent', ({ data }) => void silent.add(data.device_id));
  events.on('device.deleted', ({ data }) => void silent.delete(data.device_id));
  // A connect or a word of its own decides, not we.
  events.on('device.status_changed', ({ data }) => {
    if (data.source !== 'health') silent.delete(data.device_id);
  });

  return {
    note(deviceIds, at) {
      if (silent.size === 0) return;
      const returned = [...deviceIds].filter((deviceId) => silent.delete(deviceId));
      if (returned.length === 0) return;
      const changes = returned.map((deviceId) => ({ deviceId, status: 'ONLINE', at, source: 'health' }) as const);
      statuses.applyStatuses(changes).catch((error: unknown) => {
        logger.warn(
          { err: error },
          'devices that spoke again could not be set ONLINE; it is tried with their next word',
        );
        for (const deviceId of returned) silent.add(deviceId);
      });
    },
  };
}
