import { defined } from '#kernel/defined.ts';
import {
  DEVICE_STATUSES,
  type DeviceStatus,
  STATUS_SOURCES,
  type StatusSource,
  type StatusTransition,
} from '#modules/devices/index.ts';
import type { DocumentCollection, DocumentStore } from '#platform/documents/documents.port.ts';
import type { StatusChangeRecord, TelemetryApi } from './telemetry.api.ts';
import { type DeviceLog, LOG_RETENTION_MS } from './telemetry.ports.ts';

/** The `event_type` of what the server logs of a change of status. */
const STATUS_CHANGED = 'status_changed';

/** The logs of devices: what they say themselves, and what the server writes of them. */
export interface DeviceLogs extends Pick<TelemetryApi, 'statusChanges'> {
  readonly collection: DocumentCollection<DeviceLog>;
  /** Logs transitions of status, under their ids: one that is there already is left as it is. On disk when it resolves. */
  append(transitions: readonly Omit<StatusTransition, 'deviceUid'>[]): Promise<void>;
}

const PAGE = 1_000;
const MOST = 10_000;

/** Before any module that logs, or reads logs: declares the collection. */
export function createDeviceLogs(documents: DocumentStore): DeviceLogs {
  const logs = documents.collection<DeviceLog>({
    name: 'device_logs',
    indexes: [
      ['device_id', 'timestamp'],
      ['device_id', 'event_type', 'timestamp'],
      ['device_id', 'source', 'event_type', 'timestamp'],
    ],
    expiry: { field: 'timestamp', afterMs: LOG_RETENTION_MS },
  });

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
        ...defined({ after }),
      });
      changes.push(...page.flatMap(changeOf));
      const last = page.at(-1);
      if (last === undefined || page.length < PAGE) break;
      after = { value: last.timestamp, id: last.id };
    }
    return changes;
  }

  return {
    collection: logs,
    async append(transitions) {
      await logs.insertMany(transitions.map(toStatusLog));
    },
    async statusChanges(deviceId, { start, end }) {
      // What has no source is older than all that has one.
      const before = (await lastBefore(deviceId, 'server', start)) ?? (await lastBefore(deviceId, null, start));
      const old = await changesWithin(deviceId, null, start, end);
      const changes = [...old, ...(await changesWithin(deviceId, 'server', start, end))];
      return { before: before ?? null, changes: changes.slice(0, MOST) };
    },
  };
}

/** The record of a transition in `device_logs`. */
export function toStatusLog(transition: Omit<StatusTransition, 'deviceUid'>): DeviceLog {
  const { from, to, source } = transition;
  return {
    id: transition.id,
    device_id: transition.deviceId,
    source: 'server',
    event_type: STATUS_CHANGED,
    level: to === 'ERROR' ? 'error' : 'info',
    message: `${from} → ${to}`,
    payload: { from, to, source },
    timestamp: transition.at,
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
