import { isAppError } from '#kernel/errors.ts';
import type { Logger } from '#kernel/logger.ts';
import type { Sink } from '#platform/channels/channel.port.ts';
import type { StatusTransition } from '../devices.ports.ts';
import type { HttpPresence } from './presence.ts';
import { STATUS_CHANNEL, type StatusItem } from './status.channel.ts';
import type { StatusService } from './status.service.ts';
import type { StatusLogs } from './status-logs.ts';

export interface StatusSinkDeps {
  readonly statuses: Pick<StatusService, 'applyStatuses'>;
  readonly logs: Pick<StatusLogs, 'write'>;
  readonly presence: HttpPresence;
  readonly logger: Logger;
}

/** What devices and their connections say of their status → status and, before it is acknowledged, the log of it. */
export function createStatusSink({ statuses, logs, presence, logger }: StatusSinkDeps): Sink<StatusItem> {
  /** Applied by a call whose logs were not written: applying them again makes no transitions. */
  let unlogged: readonly StatusTransition[] = [];

  return {
    name: 'status',
    channel: STATUS_CHANNEL,
    async apply(items) {
      const changes = items.filter((item) => 'status' in item);
      unlogged = [...unlogged, ...(await statuses.applyStatuses(changes))];
      try {
        await logs.write(unlogged);
      } catch (error) {
        if (isAppError(error) && error.kind === 'unavailable') throw error;
        // The status is stored, and its log waits in the outbox.
        logger.error({ err: error }, 'the log refuses a change of status; it is tried again later');
      }
      unlogged = [];
      return undefined;
    },
    fromConnection({ deviceId, at, isConnected, ipAddress, by }) {
      return {
        deviceId,
        at,
        status: isConnected ? 'ONLINE' : 'OFFLINE',
        source: by === 'server' ? 'server' : 'connection',
        ...(ipAddress === null ? {} : { ipAddress }),
      };
    },
    fromRequest({ deviceId, receivedAt, channel }) {
      // A device without a connection is ONLINE from its first word on; on `status` it says itself what it is.
      if (channel === STATUS_CHANNEL.name || !presence.isNews(deviceId)) return null;
      return { deviceId, at: receivedAt, status: 'ONLINE', onlyFrom: 'OFFLINE', source: 'connection' };
    },
  };
}
