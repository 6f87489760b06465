import type { Principal } from '#kernel/access.ts';
import { type Clock, toIso } from '#kernel/clock.ts';
import { defined } from '#kernel/defined.ts';
import { type AppError, commonErrors } from '#kernel/errors.ts';
import { type CursorPage, decodeCursor, encodeCursor } from '#kernel/pagination.ts';
import type { DevicesApi } from '#modules/devices/index.ts';
import type { DocumentCollection } from '#platform/documents/documents.port.ts';
import type { LatestValue, Metrics, TelemetryStore } from '#platform/telemetry/telemetry.port.ts';
import { telemetryErrors } from './telemetry.errors.ts';
import type { DeviceLog } from './telemetry.ports.ts';

/** A window of a time series. `start` inclusive, `end` exclusive, epoch milliseconds. */
export interface SeriesQuery {
  readonly start?: number;
  readonly end?: number;
  readonly limit: number;
  readonly cursor?: string;
  readonly order: 'asc' | 'desc';
}

/** What people ask about a device's telemetry. Each throws `device_not_found` when they may not see the device. */
export interface TelemetryService {
  latest(principal: Principal, deviceId: number): Promise<Readonly<Record<string, LatestValue>>>;
  history(
    principal: Principal,
    deviceId: number,
    query: SeriesQuery & { readonly metrics?: readonly string[] },
  ): Promise<CursorPage<{ readonly timestamp: number; readonly metrics: Metrics }>>;
  logs(
    principal: Principal,
    deviceId: number,
    query: SeriesQuery & { readonly eventType?: readonly string[] },
  ): Promise<CursorPage<DeviceLog>>;
}

export interface TelemetryServiceDependencies {
  readonly telemetry: TelemetryStore;
  readonly logs: DocumentCollection<DeviceLog>;
  readonly devices: Pick<DevicesApi, 'getVisible'>;
  readonly clock: Clock;
}

export function createTelemetryService(dependencies: TelemetryServiceDependencies): TelemetryService {
  const { telemetry, logs, devices, clock } = dependencies;

  function rangeOf(query: SeriesQuery): { start: number; end: number } {
    const start = query.start ?? 0;
    // Time stamps may be a little ahead of our clock.
    const end = query.end ?? clock.now() + 86_400_000;
    if (start >= end) {
      const fields = [{ path: '/query/start', message: `must be before ${toIso(end)}` }];
      throw telemetryErrors.invalid_range({ details: { fields } });
    }
    return { start, end };
  }

  return {
    async latest(principal, deviceId) {
      await devices.getVisible(principal, deviceId);
      return await telemetry.latest(deviceId);
    },
    async history(principal, deviceId, query) {
      await devices.getVisible(principal, deviceId);
      const position = query.cursor === undefined ? undefined : decodeCursor(query.cursor, ['string', 'number']);
      if (position === null || (position !== undefined && position[0] !== query.order)) throw invalidCursor();
      const { samples, next } = await telemetry.history({
        deviceId,
        ...rangeOf(query),
        order: query.order,
        limit: query.limit,
        ...defined({ metrics: query.metrics }),
        ...(position === undefined ? {} : { after: position[1] }),
      });
      return { items: samples, next_cursor: next === null ? null : encodeCursor([query.order, next]) };
    },
    async logs(principal, deviceId, query) {
      await devices.getVisible(principal, deviceId);
      const position =
        query.cursor === undefined ? undefined : decodeCursor(query.cursor, ['string', 'number', 'string']);
      if (position === null || (position !== undefined && position[0] !== query.order)) throw invalidCursor();
      const { start, end } = rangeOf(query);
      const found = await logs.list({
        filter: { device_id: deviceId, ...defined({ event_type: query.eventType }) },
        range: { field: 'timestamp', from: start, to: end },
        sort: { field: 'timestamp', direction: query.order },
        limit: query.limit + 1,
        ...(position === undefined ? {} : { after: { value: position[1], id: position[2] } }),
      });
      const items = found.slice(0, query.limit);
      const last = items.at(-1);
      const more = found.length > query.limit && last !== undefined;
      return { items, next_cursor: more ? encodeCursor([query.order, last.timestamp, last.id]) : null };
    },
  };
}

function invalidCursor(): AppError {
  const fields = [{ path: '/query/cursor', message: 'must be the next_cursor of the same list in the same order' }];
  return commonErrors.invalid_cursor({ details: { fields } });
}
