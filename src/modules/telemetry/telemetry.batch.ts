import type { DeviceStatus } from '#modules/devices/index.ts';
import type { LedgerIncrement, LeftOutReason, Sample } from '#platform/telemetry/telemetry.port.ts';
import type { DeviceLog, ItemOutcome, RejectReason } from './telemetry.ports.ts';
import type { MessageTrace } from './telemetry.traces.ts';

/** A status that is to be applied; `counted` is false for the broker's own signals, which are no message. */
export interface PendingStatus {
  readonly deviceId: number;
  readonly status: DeviceStatus;
  readonly at: number;
  readonly source: 'connection' | 'message' | 'server';
  readonly onlyFrom?: DeviceStatus;
  readonly counted: boolean;
  readonly firmwareVersion?: string;
  readonly ipAddress?: string;
}

/** Where one item of a request ended up in the batch, to tell its sender what became of it. */
type ItemPlace =
  | { readonly kind: 'sample' | 'log' | 'status'; readonly index: number }
  | { readonly kind: 'rejected'; readonly reason: RejectReason };

/** What the stores said of a batch. */
export interface BatchResult {
  /** Indexes into `samples`. */
  readonly mergedSamples: ReadonlySet<number>;
  /** What the store did not take by its rules, with the reason of the ledger. */
  readonly leftOutSamples: ReadonlyMap<number, LeftOutReason>;
  /** By index into `logs`. */
  readonly newLogs: readonly boolean[];
  /** What the stores refused to take: indexes into `samples`, logs, statuses. */
  readonly refusedSamples: ReadonlySet<number>;
  readonly refusedLogs: ReadonlySet<DeviceLog>;
  readonly refusedStatuses: ReadonlySet<PendingStatus>;
}

/**
 * What arrived since the last commit: everything in it is committed together and acknowledged after that.
 * Filled by the pipeline, message by message, in the order of arrival.
 */
export interface Batch {
  readonly samples: Sample[];
  readonly logs: DeviceLog[];
  readonly statuses: PendingStatus[];
  /** Device → reason → count. */
  readonly rejections: Map<number, Record<string, number>>;
  /** Called once the batch is committed. */
  readonly acknowledgements: (() => void)[];
  /** Requests that wait for what became of their items. */
  readonly observers: ((result: BatchResult) => void)[];
  /** Messages that are followed; hardly ever any. */
  readonly traces: MessageTrace[];
  /** Devices heard from, with their uid. */
  readonly devices: Map<number, string>;
  /** Epoch milliseconds of the latest arrival. */
  receivedAt: number;
  /** Items taken in, whatever became of them. */
  items: number;
  /** Of the HTTP requests that are waiting for it. */
  httpBytes: number;
}

export function createBatch(): Batch {
  return {
    samples: [],
    logs: [],
    statuses: [],
    rejections: new Map(),
    acknowledgements: [],
    observers: [],
    traces: [],
    devices: new Map(),
    receivedAt: 0,
    items: 0,
    httpBytes: 0,
  };
}

export function addRejection(batch: Batch, deviceId: number, reason: RejectReason): void {
  let reasons = batch.rejections.get(deviceId);
  if (reasons === undefined) {
    reasons = {};
    batch.rejections.set(deviceId, reasons);
  }
  reasons[reason] = (reasons[reason] ?? 0) + 1;
}

/** How many items of a device are in the batch. */
export function itemsOf(batch: Batch, deviceId: number): number {
  const mine = (each: { readonly deviceId: number }) => each.deviceId === deviceId;
  let count = batch.samples.filter(mine).length;
  count += batch.statuses.filter((status) => status.counted && mine(status)).length;
  count += batch.logs.filter((log) => log.device_id === deviceId).length;
  for (const n of Object.values(batch.rejections.get(deviceId) ?? {})) count += n;
  return count;
}

/** The batch as it was stored. Its traces keep no samples: those that are left have other places. */
export function withoutSamples(batch: Batch, refused: ReadonlySet<number>): Batch {
  return {
    ...batch,
    samples: batch.samples.filter((_, index) => !refused.has(index)),
    traces: batch.traces.map((trace) => ({ ...trace, first: 0, end: 0 })),
  };
}

/** The ledger's share of everything but samples and logs, which the store counts itself. */
export function ledgerCounts(batch: Batch, refusedStatuses: ReadonlySet<PendingStatus>): LedgerIncrement[] {
  const counts = new Map<number, { deviceId: number; stored: number; rejected?: Record<string, number> }>();
  const of = (deviceId: number) => {
    let count = counts.get(deviceId);
    if (count === undefined) {
      count = { deviceId, stored: 0 };
      counts.set(deviceId, count);
    }
    return count;
  };
  for (const [deviceId, reasons] of batch.rejections) of(deviceId).rejected = reasons;
  for (const status of batch.statuses) {
    if (!status.counted) continue;
    const count = of(status.deviceId);
    if (refusedStatuses.has(status)) {
      count.rejected = { ...count.rejected, not_storable: (count.rejected?.['not_storable'] ?? 0) + 1 };
    } else {
      count.stored += 1;
    }
  }
  return [...counts.values()];
}

/** Remembers the places of one request's items in `batch` and tells their outcomes after the commit. */
export function createOutcomeRecorder({ logs, statuses }: Batch) {
  const places: ItemPlace[] = [];
  const wasRefused = (result: BatchResult, kind: 'sample' | 'log' | 'status', index: number): boolean => {
    if (kind === 'sample') return result.refusedSamples.has(index);
    if (kind === 'log') return result.refusedLogs.has(logs[index] as DeviceLog);
    return result.refusedStatuses.has(statuses[index] as PendingStatus);
  };
  return {
    add: (place: ItemPlace) => places.push(place),
    outcomes: (result: BatchResult): ItemOutcome[] =>
      places.map((place) => {
        if (place.kind === 'rejected') return place.reason;
        const { kind, index } = place;
        if (wasRefused(result, kind, index)) return 'not_storable';
        if (kind === 'sample') {
          return result.leftOutSamples.get(index) ?? (result.mergedSamples.has(index) ? 'merged' : 'stored');
        }
        if (kind === 'log') return result.newLogs[index] === true ? 'stored' : 'merged';
        return 'stored';
      }),
  };
}
