import type { AnyBulkWriteOperation, Collection, Filter } from 'mongodb';
import { backoffMs, createMutex, pause } from '#kernel/concurrency.ts';
import { isAppError } from '#kernel/errors.ts';
import type { MongodbConnection } from '#platform/mongodb/mongodb-connection.ts';
import { duplicatesOf, storeAway } from '#platform/mongodb/mongodb-errors.ts';
import { createPortions } from '#platform/mongodb/portions.ts';
import { createRecentBatches } from '../recent-batches.ts';
import type { AppendResult, LatestValue, Sample, TelemetryBatch } from '../telemetry.port.ts';
import type { ChangedHours } from './telemetry.changed-hours.ts';
import { createCrowding } from './telemetry.crowding.ts';
import {
  countsOf,
  type DeviceDocument,
  fullAmong,
  mergesOf,
  newDevice,
  type Plan,
  planOf,
  type SampleDocument,
  withoutFull,
} from './telemetry.plan.ts';

export interface AppenderOptions {
  readonly connection: MongodbConnection;
  readonly samples: Collection<SampleDocument>;
  readonly devices: Collection<DeviceDocument>;
  readonly hours: ChangedHours;
  /** A field name that no other running process has. */
  readonly writer: string;
  /** Far longer than a portion of a batch takes. Appends wait for each other, so one that hangs would stop all. */
  readonly hungAfterMs?: number;
}

/** A batch that has begun to be written: how far it is. */
interface Attempt {
  plan: Plan;
  readonly maxNames: number;
  isCounted: boolean;
  /** Of this process, ascending. */
  readonly number: number;
  tries: number;
  /** After the samples were inserted: which of them met stored ones, ascending. */
  merged?: readonly number[];
  /** Whether those that have no room in the stored ones are no part of the plan any more. */
  isFitted: boolean;
  isMerged: boolean;
  isMarked: boolean;
  /** After the logs were inserted: which of them were new. */
  newLogs?: readonly boolean[];
  isDone: boolean;
}

const GIVE_UP_AFTER_MS = 5_000;
const HUNG_AFTER_MS = 20_000;
const RETRY = { firstMs: 50, longestMs: 1_000 };
/** Devices that are known to have a document; more are forgotten and looked up again. */
const KNOWN_DEVICES = 200_000;

/**
 * Writes batches one after the other: samples, merges, logs, then latest values and counts per device. Each step can be
 * repeated without counting or overwriting twice:
 * - Samples are inserted with ids made here, so that a repeated insert recognises its own.
 * - Logs have ids of their own; which of them were new is kept when it was said. An answer that was lost makes them merged.
 * - A device's document holds the number of the last batch that each process added to it, and takes none twice.
 * - Latest values are compared by the server, against whatever another process wrote.
 *
 * Around the samples, the hours that they lie in are marked as changed (see `telemetry.changed-hours.ts`).
 *
 * A batch that has begun is finished before any other; one whose caller was told `unavailable` is finished by the
 * next call, whoever makes it. The caller that tries again, with the same id, gets its result.
 */
export function createAppender({
  connection,
  samples,
  devices,
  hours,
  writer,
  hungAfterMs = HUNG_AFTER_MS,
}: AppenderOptions) {
  const run: MongodbConnection['run'] = (commands) => connection.run(commands, { hungAfterMs });
  const inPortions = createPortions(hungAfterMs / 2);
  const applied = `applied.${writer}`;
  /** What has begun, or became of it: a caller may not have heard. */
  const batches = createRecentBatches<Attempt | { readonly result: AppendResult }>();
  const known = new Set<number>();
  const crowdings = createCrowding(run, devices);
  let begun: Attempt | undefined;
  let lastNumber = 0;
  const inOrder = createMutex();

  async function insert(attempt: Attempt): Promise<readonly number[]> {
    const { documents, positions, repeated } = attempt.plan;
    let met: readonly number[] = [];
    await inPortions(documents, async (portion, from) => {
      const known = await run(async () => {
        try {
          await samples.insertMany([...portion], { ordered: false });
          return [];
        } catch (error) {
          return duplicatesOf(error);
        }
      });
      if (known.length > 0) met = [...met, ...known.map((index) => from + index)];
    });
    if (met.length > 0 && attempt.tries > 1) met = await withoutOurs(attempt.plan, met);
    return [...met.map((index) => positions[index] as number), ...repeated].sort((a, b) => a - b);
  }

  /** What an earlier try inserted, although its answer was lost, has not met anything stored. */
  async function withoutOurs({ documents }: Plan, met: readonly number[]): Promise<readonly number[]> {
    const ids = met.map((index) => (documents[index] as SampleDocument)._id);
    const found = await run(() => samples.find({ _id: { $in: ids } }, { projection: { _id: 1 } }).toArray());
    const ours = new Set(found.map(({ _id }) => _id.toHexString()));
    return met.filter((index) => !ours.has((documents[index] as SampleDocument)._id.toHexString()));
  }

  /** Which of those that met stored samples have no room there. Reads what is stored: nothing is merged yet. */
  async function fullOf(plan: Plan, merged: readonly number[]): Promise<readonly number[]> {
    const times = new Map<number, number[]>();
    for (const index of merged) {
      const { deviceId, timestamp } = plan.samples[index] as Sample;
      times.set(deviceId, [...(times.get(deviceId) ?? []), timestamp]);
    }
    const $or = [...times].map(([device_id, some]) => ({ device_id, timestamp: { $in: some } }));
    const ours = new Set(plan.documents.map(({ _id }) => _id.toHexString()));
    const found = await run(() => samples.find({ $or }).toArray());
    return fullAmong(
      plan,
      merged,
      found.filter(({ _id }) => !ours.has(_id.toHexString())),
    );
  }

  async function createMissingDevices({ devices: changes }: Plan): Promise<void> {
    const missing = [...changes.keys()].filter((deviceId) => !known.has(deviceId));
    if (missing.length === 0) return;
    await run(() => devices.insertMany(missing.map(newDevice), { ordered: false }).catch(duplicatesOf));
    if (known.size + missing.length > KNOWN_DEVICES) known.clear();
    for (const deviceId of missing) known.add(deviceId);
  }

  /** @returns how many documents were found */
  async function writeDevices(operations: readonly AnyBulkWriteOperation<DeviceDocument>[]): Promise<number> {
    let found = 0;
    await inPortions(operations, async (portion) => {
      const { matchedCount } = await run(() => devices.bulkWrite(portion, { ordered: false }));
      found += matchedCount;
    });
    return found;
  }

  /** Latest values and counts in one operation a device, for all devices that have nothing newer. */
  async function applyInOrder(attempt: Attempt, counts: ReadonlyMap<number, Record<string, number>>): Promise<boolean> {
    const operations: AnyBulkWriteOperation<DeviceDocument>[] = [];
    for (const [deviceId, { latest }] of attempt.plan.devices) {
      const $set: Record<string, unknown> = { [applied]: attempt.number };
      let oldest = Number.POSITIVE_INFINITY;
      let newest = Number.NEGATIVE_INFINITY;
      for (const name in latest) {
        const value = latest[name] as LatestValue;
        $set[`latest.${name}`] = value;
        oldest = Math.min(oldest, value.timestamp);
        newest = Math.max(newest, value.timestamp);
      }
      const filter: Record<string, unknown> = { _id: deviceId, [applied]: { $not: { $gte: attempt.number } } };
      if (newest !== Number.NEGATIVE_INFINITY) {
        filter['newest'] = { $lte: oldest };
        $set['newest'] = newest;
      }
      operations.push(update(filter, { $set, $inc: counts.get(deviceId) }));
    }
    return (await writeDevices(operations)) === operations.length;
  }

  /** For devices that sent late, or whose first try was lost after it took effect: value by value, then the counts. */
  async function applyLate(attempt: Attempt, counts: ReadonlyMap<number, Record<string, number>>): Promise<void> {
    const { devices: changes } = attempt.plan;
    const notApplied = { _id: { $in: [...changes.keys()] }, [applied]: { $ne: attempt.number } };
    const late = await run(() =>
      devices.find(notApplied as Filter<DeviceDocument>, { projection: { _id: 1 } }).toArray(),
    );
    if (late.length === 0) return;
    const values: AnyBulkWriteOperation<DeviceDocument>[] = [];
    const additions: AnyBulkWriteOperation<DeviceDocument>[] = [];
    for (const { _id } of late) {
      const latest = changes.get(_id)?.latest ?? {};
      for (const name in latest) {
        const value = latest[name] as LatestValue;
        const olderOrNone = { _id, [`latest.${name}.timestamp`]: { $not: { $gt: value.timestamp } } };
        values.push(update(olderOrNone, { $set: { [`latest.${name}`]: value }, $max: { newest: value.timestamp } }));
      }
      const filter = { _id, [applied]: { $not: { $gte: attempt.number } } };
      additions.push(update(filter, { $set: { [applied]: attempt.number }, $inc: counts.get(_id) }));
    }
    // The mark that the device is done comes last.
    await writeDevices(values);
    if ((await writeDevices(additions)) === additions.length) return;
    // Documents that this process has seen are gone (a backup was restored): the next try makes them again.
    known.clear();
    crowdings.forget();
    throw storeAway();
  }

  async function advance(attempt: Attempt): Promise<void> {
    attempt.tries += 1;
    if (!attempt.isCounted) {
      const crowding = await crowdings.find(attempt.plan, attempt.maxNames);
      const leftOut = new Map([...crowding].map((index) => [index, 'too_many_names'] as const));
      if (crowding.size > 0) attempt.plan = planOf(attempt.plan, leftOut);
      attempt.isCounted = true;
    }
    // Before, so that whoever sees the samples knows of the change; after, so that nobody forgets it too early.
    if (!attempt.isMerged) await hours.beforeChange(attempt.plan.hours);
    attempt.merged ??= await insert(attempt);
    if (!attempt.isFitted) {
      const found = attempt.merged.length === 0 ? [] : await fullOf(attempt.plan, attempt.merged);
      attempt.plan = withoutFull(attempt.plan, found);
      attempt.merged = attempt.merged.filter((index) => !found.includes(index));
      attempt.isFitted = true;
    }
    const { plan, merged } = attempt;
    if (!attempt.isMerged && merged.length > 0) {
      await inPortions(mergesOf(plan, merged), async (portion) => {
        await run(() => samples.bulkWrite(portion, { ordered: false }).catch(contested));
      });
    }
    attempt.isMerged = true;
    if (!attempt.isMarked) await hours.afterChange(attempt.plan.hours);
    attempt.isMarked = true;
    const { logs } = plan;
    // The last thing before the counts: a process that ends in between leaves these uncounted.
    attempt.newLogs ??= logs === undefined ? [] : await run(() => logs.collection.insertMany(logs.documents));
    if (plan.devices.size > 0) {
      await createMissingDevices(plan);
      const counts = countsOf(plan, new Set(merged), attempt.newLogs);
      if (!(await applyInOrder(attempt, counts))) await applyLate(attempt, counts);
    }
    attempt.isDone = true;
  }

  async function finish(attempt: Attempt, giveUpAt: number): Promise<void> {
    for (let tries = 0; ; tries += 1) {
      const waitMs = backoffMs(RETRY, tries);
      try {
        await advance(attempt);
        break;
      } catch (error) {
        if (!isAppError(error)) begun = undefined;
        if (!isAppError(error) || performance.now() + waitMs > giveUpAt) throw error;
        await pause(waitMs);
      }
    }
    begun = undefined;
  }

  async function take(batch: TelemetryBatch, giveUpAt: number): Promise<AppendResult> {
    const known = batches.get(batch.id);
    if (known !== undefined && 'result' in known) return known.result;
    let attempt = known;
    if (begun !== undefined && begun !== attempt) {
      // Those who have waited behind it long enough do not all try in turn.
      if (performance.now() > giveUpAt) throw storeAway();
      await finish(begun, giveUpAt);
    }
    attempt ??= {
      plan: planOf(batch),
      maxNames: batch.maxNames ?? Number.POSITIVE_INFINITY,
      isCounted: false,
      isFitted: false,
      number: ++lastNumber,
      tries: 0,
      isMerged: false,
      isMarked: false,
      isDone: false,
    };
    if (!attempt.isDone) {
      begun = attempt;
      batches.set(batch.id, attempt);
      await finish(attempt, giveUpAt);
    }
    const result = resultOf(attempt);
    batches.set(batch.id, { result });
    return result;
  }

  return {
    append(batch: TelemetryBatch): Promise<AppendResult> {
      const giveUpAt = performance.now() + GIVE_UP_AFTER_MS;
      return inOrder(() => take(batch, giveUpAt));
    },
  };
}

function resultOf({ plan, merged = [], newLogs = [] }: Attempt): AppendResult {
  const leftOut = [...plan.leftOut].sort(([a], [b]) => a - b).map(([index, reason]) => ({ index, reason }));
  return { merged, leftOut, newLogs };
}

/** The server's language is wider than the driver's types: their paths end at the first computed name. */
function update(filter: object, change: object): AnyBulkWriteOperation<DeviceDocument> {
  return { updateOne: { filter: filter as Filter<DeviceDocument>, update: change } };
}

/** Two upserts of one document at once: one loses, and finds the document the next time. */
function contested(error: unknown): never {
  duplicatesOf(error);
  throw storeAway(error);
}
