import { DEVICE_STATUSES, type DeviceStatus } from '#modules/devices/index.ts';
import type { DocumentCollection } from '#platform/documents/documents.port.ts';
import type { DeviceLog } from './telemetry.ports.ts';

/** A change of a device's status, as its log tells it. `at` is epoch milliseconds. */
export interface StatusChangeRecord {
  readonly at: number;
  readonly from: DeviceStatus;
  readonly to: DeviceStatus;
}

/** What other modules may ask of what devices said. */
export interface TelemetryApi {
  /**
   * The changes from `start` to before `end` by time, the first 10,000; and the last one before `start`, null when
   * the log, which is kept for 90 days, knows none.
   */
  statusChanges(
    deviceId: number,
    range: { readonly start: number; readonly end: number },
  ): Promise<{ readonly before: StatusChangeRecord | null; readonly changes: readonly StatusChangeRecord[] }>;
}

const PAGE = 1_000;
const MOST = 10_000;

export function createTelemetryApi(logs: DocumentCollection<DeviceLog>): TelemetryApi {
  return {
    async statusChanges(deviceId, { start, end }) {
      const filter = { device_id: deviceId, event_type: 'status_changed' };
      const before = (
        await logs.list({
          filter,
          range: { field: 'timestamp', to: start },
          sort: { field: 'timestamp', direction: 'desc' },
          limit: PAGE,
        })
      ).flatMap(changeOf)[0];
      const changes: StatusChangeRecord[] = [];
      for (let after: { value: number; id: string } | undefined; changes.length < MOST; ) {
        const page = await logs.list({
          filter,
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
      return { before: before ?? null, changes: changes.slice(0, MOST) };
    },
  };
}

/** A device may log an event of this type itself: only what looks like ours counts. */
function changeOf({ timestamp, payload }: DeviceLog): readonly StatusChangeRecord[] {
  if (typeof payload !== 'object' || payload === null) return [];
  const { from, to, source } = payload as Readonly<Record<string, unknown>>;
  if (!isStatus(from) || !isStatus(to) || typeof source !== 'string') return [];
  return [{ at: timestamp, from, to }];
}

function isStatus(value: unknown): value is DeviceStatus {
  return DEVICE_STATUSES.some((status) => status === value);
}
