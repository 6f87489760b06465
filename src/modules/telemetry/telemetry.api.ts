import { DEVICE_STATUSES, type DeviceStatus, STATUS_SOURCES, type StatusSource } from '#modules/devices/index.ts';
import type { DocumentCollection } from '#platform/documents/documents.port.ts';
import type { DeviceLog } from './telemetry.ports.ts';
import { STATUS_CHANGED } from './telemetry.status-logs.ts';

/** A change of a device's status, as its log tells it. `at` is epoch milliseconds. */
export interface StatusChangeRecord {
  readonly at: number;
  readonly from: DeviceStatus;
  readonly to: DeviceStatus;
  readonly source: StatusSource;
}

/** What other modules may ask of what devices said. */
export interface TelemetryApi {
  /**
   * The changes from `start` to before `end` by time, the first 10,000; and the last one before `start`, null when
   * the log, which is kept for 90 days, knows none. A device may log an event of the same name itself: it is none.
   */
  statusChanges(
    deviceId: number,
    range: { readonly start: number; readonly end: number },
  ): Promise<{ readonly before: StatusChangeRecord | null; readonly changes: readonly StatusChangeRecord[] }>;
}

const PAGE = 1_000;
const MOST = 10_000;

export function createTelemetryApi(logs: DocumentCollection<DeviceLog>): TelemetryApi {
  /** @param source null: logs of the time in which it was not told apart who wrote them */
  const filterOf = (deviceId: number, source: 'server' | null) => ({
    device_id: deviceId,
    source,
    event_type: STATUS_CHANGED,
  });

  async function lastBefore(deviceId: number, source: 'server' | null, start: number) {
    const found = await logs.list({
      filter: filterOf(deviceId, source),
      range: { field: 'timestamp', to: start },
      sort: { field: 'timestamp', direction: 'desc' },
      limit: source === null ? PAGE : 1,
    });
    return found.flatMap(changeOf)[0];
  }

  async function changesWithin(deviceId: number, source: 'server' | null, start: number, end: number) {
    const changes: StatusChangeRecord[] = [];
    for (let after: { value: number; id: string } | undefined; changes.length < MOST; ) {
      const page = await logs.list({
        filter: filterOf(deviceId, source),
        range: { field: 'timestamp', from: start, to: end },
        sort: { field: 'timestamp', direction: 'asc' },
        limit: PAGE,
        ...(after === undefined ? {} : { after }),
      });
      changes.push(...page.flatMap(changeOf));
      const last = page.at(-1);
      if (last === undefined || page.length < PAGE) break;
      after = { value: last.timestamp, id: last.id };
    }
    return changes;
  }

  return {
    async statusChanges(deviceId, { start, end }) {
      // What has no source is older than all that has one.
      const before = (await lastBefore(deviceId, 'server', start)) ?? (await lastBefore(deviceId, null, start));
      const old = await changesWithin(deviceId, null, start, end);
      const changes = [...old, ...(await changesWithin(deviceId, 'server', start, end))];
      return { before: before ?? null, changes: changes.slice(0, MOST) };
    },
  };
}

/** Who wrote a log. Of one that does not say, the server did if it looks like the server's own. */
export function sourceOf(log: DeviceLog): 'server' | 'device' {
  if (log.source !== undefined) return log.source;
  return log.event_type === STATUS_CHANGED && changeOf(log).length > 0 ? 'server' : 'device';
}

function changeOf({ timestamp, payload }: DeviceLog): readonly StatusChangeRecord[] {
  if (typeof payload !== 'object' || payload === null) return [];
  const { from, to, source } = payload as Readonly<Record<string, unknown>>;
  if (!isStatus(from) || !isStatus(to) || !isSource(source)) return [];
  return [{ at: timestamp, from, to, source }];
}

function isStatus(value: unknown): value is DeviceStatus {
  return DEVICE_STATUSES.some((status) => status === value);
}

function isSource(value: unknown): value is StatusSource {
  return STATUS_SOURCES.some((source) => source === value);
}
