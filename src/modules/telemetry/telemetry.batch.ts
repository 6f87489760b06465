import type { DeviceStatus } from '#modules/devices/index.ts';
import type { LedgerIncrement, Sample } from '#platform/telemetry/telemetry.port.ts';
import type { DeviceLog, ItemOutcome, RejectReason } from './telemetry.ports.ts';
import type { MessageTrace } from './telemetry.traces.ts';

/** A status that is to be applied; `counted` is false for the broker's own signals, which are no message. */
export interface PendingStatus {
  readonly deviceId: number;
  readonly status: DeviceStatus;
  readonly at: number;
  readonly source: 'connection' | 'message';
  readonly counted: boolean;
  readonly firmwareVersion?: string;
  readonly ipAddress?: string;
}

/** Where one item of a request ended up in the batch, to tell its sender what became of it. */
type ItemPlace =
  | { readonly kind: 'sample' | 'log'; readonly index: number }
  | { readonly kind: 'status' }
  | { readonly kind: 'rejected'; readonly reason: RejectReason };

/** What the stores said of a batch. */
export interface BatchResult {
  /** Indexes into `samples`. */
  readonly mergedSamples: ReadonlySet<number>;
  /** By index into `logs`. */
  readonly newLogs: readonly boolean[];
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
  /** Messages that are followed; hardly ever any. */
  readonly traces: MessageTrace[];
  /** Devices heard from, with their uid. */
  readonly devices: Map<number, string>;
  /** Epoch milliseconds of the latest arrival. */
  receivedAt: number;
  /** Items taken in, whatever became of them. */
  items: number;
}

export function createBatch(): Batch {
  return {
    samples: [],
    logs: [],
    statuses: [],
    rejections: new Map(),
    acknowledgements: [],
    traces: [],
    devices: new Map(),
    receivedAt: 0,
    items: 0,
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

/** The ledger's share of everything but the samples, which the store counts itself. */
export function ledgerCounts(batch: Batch, newLogs: readonly boolean[]): LedgerIncrement[] {
  const counts = new Map<
    number,
    { deviceId: number; stored: number; merged: number; rejected?: Record<string, number> }
  >();
  const of = (deviceId: number) => {
    let count = counts.get(deviceId);
    if (count === undefined) {
      count = { deviceId, stored: 0, merged: 0 };
      counts.set(deviceId, count);
    }
    return count;
  };
  for (const [index, log] of batch.logs.entries()) {
    if (newLogs[index] === true) of(log.device_id).stored += 1;
    else of(log.device_id).merged += 1;
  }
  for (const status of batch.statuses) if (status.counted) of(status.deviceId).stored += 1;
  for (const [deviceId, reasons] of batch.rejections) of(deviceId).rejected = reasons;
  return [...counts.values()];
}

/** Remembers the places of one request's items and tells their outcomes after the commit. */
export function createOutcomeRecorder() {
  const places: ItemPlace[] = [];
  return {
    add: (place: ItemPlace) => places.push(place),
    outcomes: (result: BatchResult): ItemOutcome[] =>
      places.map((place) => {
        if (place.kind === 'rejected') return place.reason;
        if (place.kind === 'sample') return result.mergedSamples.has(place.index) ? 'merged' : 'stored';
        if (place.kind === 'log') return result.newLogs[place.index] === true ? 'stored' : 'merged';
        return 'stored';
      }),
  };
}
