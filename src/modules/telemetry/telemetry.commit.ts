import type { Logger } from '#kernel/logger.ts';
import type { DevicesApi, StatusTransition } from '#modules/devices/index.ts';
import type { DocumentCollection } from '#platform/documents/documents.port.ts';
import type {
  LedgerIncrement,
  LeftOut,
  Sample,
  TelemetryBatch,
  TelemetryStore,
} from '#platform/telemetry/telemetry.port.ts';
import { type Batch, type BatchResult, ledgerCounts, type PendingStatus, withoutSamples } from './telemetry.batch.ts';
import { createInsistence, createLane, divide } from './telemetry.insistence.ts';
import type { DeviceLog } from './telemetry.ports.ts';
import { toStatusLog } from './telemetry.status-logs.ts';

/** Tries after which a batch is divided, to find the item that the store refuses. */
const REFUSALS = 2;
/** Tries after which a status or its log alone is refused: nothing else shows there that the store is well. */
const LAST_REFUSALS = 5;
const FOR_EVER = { refusals: Number.POSITIVE_INFINITY };
const ONCE = { refusals: 1 };

export interface BatchCommitter {
  /**
   * Makes a batch durable, however long that takes; batches become durable in the order of the calls.
   * Never rejects. After `giveUpOn` aborts it stays pending while the store is away: what is in the batch
   * was not acknowledged and will be sent again.
   *
   * An item that the store refuses although it takes others holds nobody up: it is left out, logged whole, and
   * counted as rejected (`not_storable`).
   */
  commit(batch: Batch): Promise<BatchResult>;
  /** Whether the last try failed: the store is away and work waits. */
  isStalled(): boolean;
  giveUpOn(signal: AbortSignal): void;
}

export interface CommitterDependencies {
  readonly telemetry: TelemetryStore;
  readonly logs: DocumentCollection<DeviceLog>;
  readonly devices: Pick<DevicesApi, 'applyStatuses'>;
  /** Metric names that a device may have. */
  readonly maxNames: number;
  readonly logger: Logger;
  /** The logs of these transitions are written. Must not throw. */
  readonly onStatusLogged: (transitions: readonly StatusTransition[]) => void;
  /** Called with each batch once it is durable, before it is acknowledged. Must not throw. */
  readonly onCommitted: (batch: Batch) => void;
}

/** Samples and logs of a batch, by their indexes in it. */
interface Appended {
  readonly merged: readonly number[];
  /** Counted by the store. */
  readonly leftOut: readonly LeftOut[];
  readonly newLogs: readonly boolean[];
  readonly refused: readonly number[];
  readonly refusedLogs: ReadonlySet<DeviceLog>;
}

interface DeviceBatch extends TelemetryBatch {
  readonly logs:
    | { readonly collection: DocumentCollection<DeviceLog>; readonly documents: readonly DeviceLog[] }
    | undefined;
}

/** Status and its logs → samples, logs and ledger, in this order: the ledger counts only what is already stored. */
export function createBatchCommitter(dependencies: CommitterDependencies): BatchCommitter {
  const { telemetry, logs, devices, maxNames, logger, onStatusLogged, onCommitted } = dependencies;
  const { insist, isStalled, giveUpOn } = createInsistence(logger);
  /** A later value must not be overtaken by an older one that is tried again. */
  const inOrder = createLane();
  /** Resolves when every earlier batch is done with its statuses, which keeps them in order. */
  let prepared: Promise<unknown> = Promise.resolve();
  let preparing = 0;

  const none: ReadonlySet<never> = new Set();
  const nothingAppended: Appended = { merged: [], leftOut: [], newLogs: [], refused: [], refusedLogs: none };

  function refuse(what: string, item: unknown, err: unknown): void {
    logger.error({ err, item }, `the store refuses a ${what}, which is left out and counted as rejected`);
  }

  /** Writes as a whole or, if that is refused, in parts, and each item that is refused once more by itself. */
  async function writeAll<T>(
    what: string,
    items: readonly T[],
    write: (part: readonly T[]) => Promise<void>,
  ): Promise<ReadonlySet<T>> {
    if (items.length === 0) return none;
    try {
      await insist(() => write(items), { refusals: REFUSALS });
      return new Set();
    } catch {
      const suspects = await divide(items, (part) => insist(() => write(part), ONCE));
      const refused = new Set<T>();
      for (const item of suspects) {
        try {
          await insist(() => write([item]), { refusals: LAST_REFUSALS });
        } catch (error) {
          refuse(what, item, error);
          refused.add(item);
        }
      }
      return refused;
    }
  }

  async function applyStatuses({ statuses }: Batch): Promise<ReadonlySet<PendingStatus>> {
    if (statuses.length === 0) return none;
    const transitions: StatusTransition[] = [];
    const refused = await writeAll('status', statuses, async (part) => {
      transitions.push(...(await devices.applyStatuses(part)));
    });
    await writeAll('log', transitions.map(toStatusLog), async (part) => void (await logs.insertMany(part)));
    onStatusLogged(transitions);
    return refused;
  }

  /** After a first try that failed with `failed`. */
  async function appendAgain(batch: DeviceBatch, failed: unknown): Promise<Appended> {
    try {
      const result = await insist(() => telemetry.append(batch), { refusals: REFUSALS, failed });
      return { ...nothingAppended, ...result };
    } catch {
      return await appendDivided(batch);
    }
  }

  async function appendDivided({ samples, counts, logs: entries }: DeviceBatch): Promise<Appended> {
    const merged: number[] = [];
    const leftOut: LeftOut[] = [];
    const documents = entries?.documents ?? [];
    const newLogs = documents.map(() => false);
    // Logs are numbered behind the samples.
    const isSample = (item: number) => item < samples.length;
    const logOf = (item: number) => documents[item - samples.length] as DeviceLog;
    const itemOf = (item: number) => (isSample(item) ? (samples[item] as Sample) : logOf(item));
    const deviceOf = (item: number) => (isSample(item) ? (samples[item] as Sample).deviceId : logOf(item).device_id);
    const write = async (part: readonly number[]) => {
      // The same arrays for all tries: by them the store knows a batch again.
      const batch = batchOf(
        part.filter(isSample).map((item) => samples[item] as Sample),
        [],
        part.filter((item) => !isSample(item)).map(logOf),
      );
      const result = await insist(() => telemetry.append(batch), ONCE);
      merged.push(...result.merged.map((index) => part[index] as number));
      leftOut.push(...result.leftOut.map(({ index, reason }) => ({ index: part[index] as number, reason })));
      const firstLog = batch.samples.length;
      for (const [index, isNew] of result.newLogs.entries()) {
        newLogs[(part[firstLog + index] as number) - samples.length] = isNew;
      }
    };
    const suspects = await divide([...Array(samples.length + documents.length).keys()], write);
    // Unless the store takes this, it is the store that is at fault, and nothing is given up.
    const touched = suspects.map((item) => ({ deviceId: deviceOf(item) }));
    const known = { samples: [], counts: [...counts, ...touched] };
    await insist(() => telemetry.append(known), FOR_EVER);
    const refused: number[] = [];
    for (const item of suspects) {
      try {
        await write([item]);
      } catch (error) {
        refuse(isSample(item) ? 'sample' : 'log', itemOf(item), error);
        refused.push(item);
      }
    }
    if (refused.length > 0) {
      const rejections = refused.map((item) => ({ deviceId: deviceOf(item), rejected: { not_storable: 1 } }));
      await insist(() => telemetry.append({ samples: [], counts: rejections }), FOR_EVER);
    }
    const refusedLogs = new Set(refused.filter((item) => !isSample(item)).map(logOf));
    return { merged, leftOut, newLogs, refused: refused.filter(isSample), refusedLogs };
  }

  function batchOf(
    samples: readonly Sample[],
    counts: readonly LedgerIncrement[],
    documents: readonly DeviceLog[],
  ): DeviceBatch {
    return { samples, counts, logs: documents.length === 0 ? undefined : { collection: logs, documents }, maxNames };
  }

  return {
    async commit(batch) {
      let refusedStatuses: ReadonlySet<PendingStatus> = none;
      if (preparing > 0 || batch.statuses.length > 0) {
        preparing += 1;
        const mine = prepared.then(() => applyStatuses(batch));
        prepared = mine;
        refusedStatuses = await mine;
        preparing -= 1;
      }
      const durable = batchOf(batch.samples, ledgerCounts(batch, refusedStatuses), batch.logs);
      let appended = nothingAppended;
      if (durable.samples.length > 0 || durable.counts.length > 0 || durable.logs !== undefined) {
        appended = await inOrder<Appended>(
          async () => ({ ...nothingAppended, ...(await telemetry.append(durable)) }),
          (error) => appendAgain(durable, error),
        );
      }
      const { merged, leftOut, newLogs, refused, refusedLogs } = appended;
      const isWhole = leftOut.length + refused.length === 0;
      const left = new Map(leftOut.map(({ index, reason }) => [index, reason]));
      onCommitted(isWhole ? batch : withoutSamples(batch, new Set([...left.keys(), ...refused])));
      return {
        mergedSamples: new Set(merged),
        leftOutSamples: left,
        refusedSamples: new Set(refused),
        newLogs,
        refusedLogs,
        refusedStatuses,
      };
    },
    isStalled,
    giveUpOn,
  };
}
