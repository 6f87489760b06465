import type { Logger } from '#kernel/logger.ts';
import type { CommitListener, DocumentSink, Sink } from '#platform/channels/channel.port.ts';
import type {
  LedgerIncrement,
  LeftOut,
  LoggedDocument,
  Sample,
  TelemetryBatch,
  TelemetryStore,
} from '#platform/telemetry/telemetry.port.ts';
import { type Batch, type BatchResult, committedOf, type Entry, endCommit, ledgerCounts } from './ingest.batch.ts';
import type { ItemOutcome } from './ingest.ports.ts';
import { createLane, createRetrier, divide } from './ingest.retry.ts';
import { createSinkRunner } from './ingest.sinks.ts';

/** Tries after which a batch is divided, to find the item that the store refuses. */
const REFUSALS = 2;
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
  readonly sinks: readonly Sink[];
  /** Of the channel whose items are stored with the samples. */
  readonly documents: DocumentSink;
  /** Metric names that a device may have. */
  readonly maxNames: number;
  readonly logger: Logger;
  /** What happens once a batch is durable, in this order. */
  readonly listeners: readonly CommitListener[];
}

/** Samples and documents of a batch, by their indexes in it. */
interface Appended {
  readonly merged: readonly number[];
  /** Counted by the store. */
  readonly leftOut: readonly LeftOut[];
  readonly newLogs: readonly boolean[];
  readonly refused: readonly number[];
  readonly refusedLogs: ReadonlySet<LoggedDocument>;
}

/** The number of the batch is its id; a part of it has the numbers of its items behind that. */
type DurableBatch = TelemetryBatch & { readonly id: string };

/** Sinks → samples, documents and ledger, in this order: the ledger counts only what is already stored. → listeners */
export function createBatchCommitter(dependencies: CommitterDependencies): BatchCommitter {
  const { telemetry, sinks, documents: documentSink, maxNames, logger, listeners } = dependencies;
  const { retry, isStalled, giveUpOn } = createRetrier(logger);
  const nothingAppended: Appended = { merged: [], leftOut: [], newLogs: [], refused: [], refusedLogs: new Set() };
  const noOutcomes: ReadonlyMap<Entry, ItemOutcome> = new Map();
  const runner = createSinkRunner(sinks, retry, refuse);
  /** A later value must not be overtaken by an older one that is tried again. */
  const inOrder = createLane();
  /** Resolves when every earlier batch is done with its sinks, which keeps them in order. */
  let prepared: Promise<unknown> = Promise.resolve();
  let preparing = 0;
  let batchNumber = 0;

  function refuse(what: string, item: unknown, err: unknown): void {
    logger.error({ err, item }, `the store refuses a ${what}, which is left out and counted as rejected`);
  }

  async function runSinks({ entries }: Batch): Promise<ReadonlyMap<Entry, ItemOutcome>> {
    if (entries.size === 0) return noOutcomes;
    const outcomes = new Map<Entry, ItemOutcome>();
    for (const [channel, list] of entries) {
      for (const [entry, outcome] of await runner.run(channel, list)) outcomes.set(entry, outcome);
    }
    return outcomes;
  }

  /** After a first try that failed with `failed`. */
  async function appendAgain(batch: DurableBatch, failed: unknown): Promise<Appended> {
    try {
      const result = await retry(() => telemetry.append(batch), { refusals: REFUSALS, failed });
      return { ...nothingAppended, ...result };
    } catch {
      return await appendDivided(batch);
    }
  }

  async function appendDivided({ id, samples, counts, logs }: DurableBatch): Promise<Appended> {
    const merged: number[] = [];
    const leftOut: LeftOut[] = [];
    const documents = logs?.documents ?? [];
    const newLogs = documents.map(() => false);
    // Documents are numbered behind the samples.
    const isSample = (item: number) => item < samples.length;
    const logOf = (item: number) => documents[item - samples.length] as LoggedDocument;
    const itemOf = (item: number) => (isSample(item) ? (samples[item] as Sample) : logOf(item));
    const deviceOf = (item: number) => (isSample(item) ? (samples[item] as Sample).deviceId : logOf(item).device_id);
    const write = async (part: readonly number[]) => {
      const batch = batchOf(
        `${id}/${part[0]}-${part.at(-1)}`,
        part.filter(isSample).map((item) => samples[item] as Sample),
        [],
        part.filter((item) => !isSample(item)).map(logOf),
      );
      const result = await retry(() => telemetry.append(batch), ONCE);
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
    const known = batchOf(`${id}/counts`, [], [...counts, ...touched], []);
    await retry(() => telemetry.append(known), FOR_EVER);
    const refused: number[] = [];
    for (const item of suspects) {
      try {
        await write([item]);
      } catch (error) {
        refuse(isSample(item) ? 'sample' : documentSink.channel.name, itemOf(item), error);
        refused.push(item);
      }
    }
    if (refused.length > 0) {
      const rejections = refused.map((item) => ({ deviceId: deviceOf(item), rejected: { not_storable: 1 } }));
      const refusals = batchOf(`${id}/refused`, [], rejections, []);
      await retry(() => telemetry.append(refusals), FOR_EVER);
    }
    const refusedLogs = new Set(refused.filter((item) => !isSample(item)).map(logOf));
    return { merged, leftOut, newLogs, refused: refused.filter(isSample), refusedLogs };
  }

  function batchOf(
    id: string,
    samples: readonly Sample[],
    counts: readonly LedgerIncrement[],
    documents: readonly LoggedDocument[],
  ): DurableBatch {
    const logs = documents.length === 0 ? undefined : { collection: documentSink.collection, documents };
    return { id, samples, counts, logs, maxNames };
  }

  /** Entries that are stored with the samples, unless a sink has rejected them. */
  function documentsOf(batch: Batch, outcomes: ReadonlyMap<Entry, ItemOutcome>): readonly Entry[] {
    const entries = batch.entries.get(documentSink.channel) ?? [];
    return outcomes.size === 0 ? entries : entries.filter((entry) => !outcomes.has(entry));
  }

  return {
    async commit(batch) {
      let outcomes = noOutcomes;
      if (preparing > 0 || batch.entries.size > 0) {
        preparing += 1;
        const mine = prepared.then(() => runSinks(batch));
        prepared = mine;
        outcomes = await mine;
        preparing -= 1;
      }
      const documents = documentsOf(batch, outcomes);
      batchNumber += 1;
      const durable = batchOf(
        `${batchNumber}`,
        batch.samples,
        ledgerCounts(batch, outcomes),
        documents.map(({ value }) => value as LoggedDocument),
      );
      let appended = nothingAppended;
      if (durable.samples.length > 0 || durable.counts.length > 0 || durable.logs !== undefined) {
        appended = await inOrder<Appended>(
          async () => ({ ...nothingAppended, ...(await telemetry.append(durable)) }),
          (error) => appendAgain(durable, error),
        );
      }
      const result = resultOf(appended, outcomes, documents);
      endCommit(batch);
      const committed = committedOf(batch, result);
      for (const listener of listeners) listener.committed(committed);
      return result;
    },
    isStalled,
    giveUpOn,
  };
}

function resultOf(
  { merged, leftOut, newLogs, refused, refusedLogs }: Appended,
  outcomes: ReadonlyMap<Entry, ItemOutcome>,
  documents: readonly Entry[],
): BatchResult {
  const all = new Map(outcomes);
  for (const [index, entry] of documents.entries()) {
    if (refusedLogs.has(entry.value as LoggedDocument)) all.set(entry, 'not_storable');
    else if (newLogs[index] !== true) all.set(entry, 'merged');
  }
  return {
    mergedSamples: new Set(merged),
    leftOutSamples: new Map(leftOut.map(({ index, reason }) => [index, reason])),
    refusedSamples: new Set(refused),
    outcomes: all,
  };
}
