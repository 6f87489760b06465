import type { Logger } from '#kernel/logger.ts';
import type { DevicesApi, StatusTransition } from '#modules/devices/index.ts';
import type { DocumentCollection } from '#platform/documents/documents.port.ts';
import type { LedgerIncrement, LeftOut, Sample, TelemetryStore } from '#platform/telemetry/telemetry.port.ts';
import { type Batch, type BatchResult, ledgerCounts, type PendingStatus, withoutSamples } from './telemetry.batch.ts';
import { createInsistence, createLane, divide } from './telemetry.insistence.ts';
import type { DeviceLog } from './telemetry.ports.ts';
import { toStatusLog } from './telemetry.status-logs.ts';

/** Tries after which a batch is divided, to find the item that the store refuses. */
const REFUSALS = 2;
/** Tries after which a status or a log alone is refused: nothing else shows there that the store is well. */
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

/** What became of status messages and logs. */
interface Prepared {
  /** By index into the batch's logs. */
  readonly newLogs: readonly boolean[];
  readonly refusedLogs: ReadonlySet<DeviceLog>;
  readonly refusedStatuses: ReadonlySet<PendingStatus>;
}

/** Indexes of samples. */
interface Appended {
  readonly merged: readonly number[];
  /** Counted by the store. */
  readonly leftOut: readonly LeftOut[];
  readonly refused: readonly number[];
}

const NOTHING_PREPARED: Prepared = { newLogs: [], refusedLogs: new Set(), refusedStatuses: new Set() };

/** Status → logs → samples and ledger, in this order: the ledger counts only what is already stored. */
export function createBatchCommitter(dependencies: CommitterDependencies): BatchCommitter {
  const { telemetry, logs, devices, maxNames, logger, onStatusLogged, onCommitted } = dependencies;
  const { insist, isStalled, giveUpOn } = createInsistence(logger);
  /** A later value must not be overtaken by an older one that is tried again. */
  const inOrder = createLane();
  /** Resolves when every earlier batch is done with status and logs, which keeps them in order. */
  let prepared: Promise<unknown> = Promise.resolve();
  let preparing = 0;

  function refuse(what: string, item: unknown, err: unknown): void {
    logger.error({ err, item }, `the store refuses a ${what}, which is left out and counted as rejected`);
  }

  /** Writes as a whole or, if that is refused, in parts, and each item that is refused once more by itself. */
  async function writeAll<T>(
    what: string,
    items: readonly T[],
    write: (part: readonly T[]) => Promise<void>,
  ): Promise<ReadonlySet<T>> {
    if (items.length === 0) return new Set();
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

  async function prepare(batch: Batch): Promise<Prepared> {
    if (batch.statuses.length === 0 && batch.logs.length === 0) return NOTHING_PREPARED;
    const transitions: StatusTransition[] = [];
    const refusedStatuses = await writeAll('status', batch.statuses, async (part) => {
      transitions.push(...(await devices.applyStatuses(part)));
    });
    const documents = [...batch.logs, ...transitions.map(toStatusLog)];
    const isNew = new Map<DeviceLog, boolean>();
    const refusedLogs = await writeAll('log', documents, async (part) => {
      const added = await logs.insertMany(part);
      for (const [index, log] of part.entries()) isNew.set(log, added[index] === true);
    });
    onStatusLogged(transitions);
    return { newLogs: batch.logs.map((log) => isNew.get(log) === true), refusedLogs, refusedStatuses };
  }

  /** After a first try that failed with `failed`. */
  async function appendAgain(
    samples: readonly Sample[],
    counts: readonly LedgerIncrement[],
    failed: unknown,
  ): Promise<Appended> {
    try {
      const result = await insist(() => telemetry.append({ samples, counts, maxNames }), {
        refusals: REFUSALS,
        failed,
      });
      return { ...result, refused: [] };
    } catch {
      return await appendDivided(samples, counts);
    }
  }

  async function appendDivided(samples: readonly Sample[], counts: readonly LedgerIncrement[]): Promise<Appended> {
    const merged: number[] = [];
    const leftOut: LeftOut[] = [];
    const write = async (part: readonly number[]) => {
      // One array for all tries: by it the store knows a batch again.
      const batch = { samples: part.map((index) => samples[index] as Sample), counts: [], maxNames };
      const result = await insist(() => telemetry.append(batch), ONCE);
      merged.push(...result.merged.map((index) => part[index] as number));
      leftOut.push(...result.leftOut.map(({ index, reason }) => ({ index: part[index] as number, reason })));
    };
    const suspects = await divide([...samples.keys()], write);
    // Unless the store takes this, it is the store that is at fault, and nothing is given up.
    const touched = suspects.map((index) => ({ deviceId: (samples[index] as Sample).deviceId }));
    const known = { samples: [], counts: [...counts, ...touched] };
    await insist(() => telemetry.append(known), FOR_EVER);
    const refused: number[] = [];
    for (const index of suspects) {
      try {
        await write([index]);
      } catch (error) {
        refuse('sample', samples[index], error);
        refused.push(index);
      }
    }
    if (refused.length > 0) {
      const rejections = refused.map((index) => rejection((samples[index] as Sample).deviceId));
      await insist(() => telemetry.append({ samples: [], counts: rejections }), FOR_EVER);
    }
    return { merged, leftOut, refused };
  }

  return {
    async commit(batch) {
      let { newLogs, refusedLogs, refusedStatuses } = NOTHING_PREPARED;
      if (preparing > 0 || batch.statuses.length > 0 || batch.logs.length > 0) {
        preparing += 1;
        const mine = prepared.then(() => prepare(batch));
        prepared = mine;
        ({ newLogs, refusedLogs, refusedStatuses } = await mine);
        preparing -= 1;
      }
      const { samples } = batch;
      const counts = ledgerCounts(batch, { newLogs, refusedLogs, refusedStatuses });
      let appended: Appended = { merged: [], leftOut: [], refused: [] };
      if (samples.length > 0 || counts.length > 0) {
        appended = await inOrder<Appended>(
          async () => ({ ...(await telemetry.append({ samples, counts, maxNames })), refused: [] }),
          (error) => appendAgain(samples, counts, error),
        );
      }
      const { merged, leftOut, refused } = appended;
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

const rejection = (deviceId: number): LedgerIncrement => ({ deviceId, rejected: { not_storable: 1 } });
