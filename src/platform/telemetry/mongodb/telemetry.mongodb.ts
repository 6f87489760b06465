import { randomUUID } from 'node:crypto';
import type { Filter, UpdateFilter } from 'mongodb';
import type { Clock } from '#kernel/clock.ts';
import { defined } from '#kernel/defined.ts';
import { commonErrors } from '#kernel/errors.ts';
import type { Logger } from '#kernel/logger.ts';
import type { MongodbConnection } from '#platform/mongodb/mongodb-connection.ts';
import { createAggregator } from '../aggregation/aggregator.ts';
import { type AggregationSource, HOUR_MS } from '../aggregation/source.ts';
import type { HistoryQuery, TelemetryStore } from '../telemetry.port.ts';
import { createAggregationReads } from './telemetry.aggregation.ts';
import { createAppender } from './telemetry.append.ts';
import { CLOCKS_DIFFER_MS, createChangedHours } from './telemetry.changed-hours.ts';
import { decodeMetrics, decodeName, encodeName, renamed } from './telemetry.names.ts';
import { type DeviceDocument, newDevice, type SampleDocument } from './telemetry.plan.ts';
import { createRollups, type RollupDocument } from './telemetry.rollups.ts';

export interface MongodbTelemetryStoreOptions {
  readonly connection: MongodbConnection;
  readonly clock: Clock;
  readonly logger: Logger;
  /** After which an answer of the driver is not waited for any more. */
  readonly hungAfterMs?: number;
}

/** In `telemetry_writers`: the processes that append. */
interface WriterDocument {
  readonly _id: string;
  readonly seen_at: Date;
}

/** What the sum over the devices' documents answers. */
interface Totals {
  /** One, or none while there is no device. */
  readonly sums: readonly { readonly stored: number; readonly merged: number }[];
  /** `_id` is the encoded reason. */
  readonly rejected: readonly { readonly _id: string; readonly count: number }[];
}

/** 2: roll-ups. */
const SCHEMA_VERSION = 2;
/** A process that has not been seen for this long appends nothing any more. */
const FORGOTTEN_AFTER_MS = 24 * HOUR_MS;
/** Devices whose old samples are looked for in one query. */
const DEVICES_A_QUERY = 500;

/**
 * The telemetry store on MongoDB. Starts after its connection.
 *
 * - `telemetry_data`: `{_id, device_id, timestamp, metrics: {name: value}}`, unique by (device_id, timestamp desc).
 *   Names are encoded, see `telemetry.names.ts`. On a sharded cluster the shard key is `{device_id: 1, timestamp: 1}`:
 *   unique indexes must begin with it, a device's history stays together, and a busy device can still be split.
 * - `telemetry_devices`: latest values and ledger of a device, `_id` is its id; the shard key is `{_id: 'hashed'}`.
 * - `telemetry_rollups`: see `RollupDocument`; the shard key is `{device_id: 1, hour: 1}`.
 *
 * What `append` promises here: when it resolves, everything is in the journal of a majority of the servers. It is
 * not one transaction: after `unavailable`, or a crash, samples and logs of the batch may be there already, without
 * their counts. Within the process a batch is finished, and counted exactly once, before the next one is begun.
 * After a crash the caller appends again what was not acknowledged, and samples and logs that had got in count as
 * merged then: history is exact, and so is the sum of stored and merged; `stored` alone can be short by what was in
 * flight. Any number of processes may append at once; of two values with one timestamp from two processes, the one
 * that reaches the server later wins.
 */
export function createMongodbTelemetryStore({
  connection,
  clock,
  logger,
  hungAfterMs,
}: MongodbTelemetryStoreOptions): TelemetryStore {
  const { run } = connection;
  const samples = connection.collection<SampleDocument>('telemetry_data');
  const devices = connection.collection<DeviceDocument>('telemetry_devices');
  const writers = connection.collection<WriterDocument>('telemetry_writers');
  const schema = connection.collection<{ readonly _id: string; readonly version: number }>('telemetry_schema');
  const writer = `w${randomUUID().slice(0, 8)}`;
  const reads = createAggregationReads(connection, samples);
  const rollups = createRollups({
    connection,
    rollups: connection.collection<RollupDocument>('telemetry_rollups'),
    source: reads,
  });
  const hours = createChangedHours(rollups.mark, clock);
  const source: AggregationSource = { raw: reads.raw, rollups: rollups.read };
  const appender = createAppender({
    connection,
    samples,
    devices,
    hours,
    writer,
    ...defined({ hungAfterMs }),
  });
  let timer: NodeJS.Timeout | undefined;

  async function checkSchema(): Promise<void> {
    const found = await run(() =>
      schema.findOneAndUpdate(
        { _id: 'telemetry' },
        { $setOnInsert: { version: SCHEMA_VERSION } },
        { upsert: true, returnDocument: 'after' },
      ),
    );
    if (found === null || found.version === SCHEMA_VERSION) return;
    if (found.version < SCHEMA_VERSION) {
      await markAllHours();
      await run(() => schema.updateOne({ _id: 'telemetry' }, { $set: { version: SCHEMA_VERSION } }));
      return;
    }
    const detail = `The telemetry has schema version ${found.version}, this program knows ${SCHEMA_VERSION}.`;
    throw commonErrors.unavailable({ detail });
  }

  /** Samples from before there were roll-ups. Again after a crash in between: marking twice changes nothing. */
  async function markAllHours(): Promise<void> {
    const hour = { $subtract: ['$timestamp', { $mod: ['$timestamp', HOUR_MS] }] };
    for (const deviceId of await run(() => samples.distinct('device_id'))) {
      const found = await run(() =>
        samples.aggregate<{ _id: number }>([{ $match: { device_id: deviceId } }, { $group: { _id: hour } }]).toArray(),
      );
      await rollups.mark(found.map(({ _id }) => ({ deviceId, hour: _id })));
    }
  }

  /** Says that this process is there, and removes the marks of those that are gone from the devices' documents. */
  async function register(): Promise<void> {
    const now = clock.now();
    await run(() => writers.updateOne({ _id: writer }, { $set: { seen_at: new Date(now) } }, { upsert: true }));
    const gone = await run(() => writers.find({ seen_at: { $lt: new Date(now - FORGOTTEN_AFTER_MS) } }).toArray());
    if (gone.length === 0) return;
    const marks = gone.map(({ _id }) => `applied.${_id}`);
    const marked = { $or: marks.map((mark) => ({ [mark]: { $exists: true } })) } as Filter<DeviceDocument>;
    const change: UpdateFilter<DeviceDocument> = { $unset: Object.fromEntries(marks.map((mark) => [mark, true])) };
    await run(() => devices.updateMany(marked, change));
    await run(() => writers.deleteMany({ _id: { $in: gone.map(({ _id }) => _id) } }));
  }

  function registerSoon(): void {
    register().catch((error: unknown) => logger.warn({ err: error }, 'registering as a writer of telemetry failed'));
  }

  /** The oldest first, device by device. */
  async function deleteOf(some: readonly number[], before: number, limit: number): Promise<number> {
    const device_id = { $in: some };
    const old = await run(() =>
      samples
        .find({ device_id, timestamp: { $lt: before } }, { projection: { device_id: 1, timestamp: 1 } })
        // The index read backwards.
        .sort({ device_id: -1, timestamp: 1 })
        .limit(limit)
        .toArray(),
    );
    if (old.length === 0) return 0;
    const changed = new Map<number, Set<number>>();
    for (const { device_id: deviceId, timestamp } of old) {
      const hoursOfDevice = changed.get(deviceId) ?? new Set();
      changed.set(deviceId, hoursOfDevice.add(timestamp - (timestamp % HOUR_MS)));
    }
    await hours.beforeChange(changed);
    // The devices tell a sharded cluster where to look.
    const { deletedCount } = await run(() =>
      samples.deleteMany({ device_id, _id: { $in: old.map(({ _id }) => _id) } }),
    );
    await hours.afterChange(changed);
    return deletedCount;
  }

  return {
    name: 'telemetry',
    async start() {
      await run(() => samples.createIndex({ device_id: 1, timestamp: -1 }, { unique: true }));
      await rollups.prepare();
      await checkSchema();
      registerSoon();
      timer = setInterval(registerSoon, HOUR_MS);
      timer.unref();
    },
    async stop() {
      clearInterval(timer);
    },
    append: appender.append,
    async latest(deviceId) {
      const found = await run(() => devices.findOne({ _id: deviceId }, { projection: { latest: 1 } }));
      return found === null ? {} : renamed(found.latest, decodeName);
    },
    async ledger(deviceId) {
      const projection = { stored: 1, merged: 1, rejected: 1 };
      const found = await run(() => devices.findOne({ _id: deviceId }, { projection }));
      if (found === null) return { stored: 0, merged: 0, rejected: {} };
      return { stored: found.stored, merged: found.merged, rejected: renamed(found.rejected, decodeName) };
    },
    async totals() {
      const sums = { stored: { $sum: '$stored' }, merged: { $sum: '$merged' } };
      const [found] = await run(() =>
        devices
          .aggregate<Totals>([
            {
              $facet: {
                sums: [{ $group: { _id: null, ...sums } }],
                rejected: [
                  { $match: { rejected: { $ne: {} } } },
                  { $project: { rejected: { $objectToArray: '$rejected' } } },
                  { $unwind: '$rejected' },
                  { $group: { _id: '$rejected.k', count: { $sum: '$rejected.v' } } },
                ],
              },
            },
          ])
          .toArray(),
      );
      const { stored = 0, merged = 0 } = found?.sums[0] ?? {};
      const rejected = Object.fromEntries(found?.rejected.map(({ _id, count }) => [decodeName(_id), count]) ?? []);
      return { stored, merged, rejected };
    },
    async history(query) {
      if (query.metrics?.length === 0) return { samples: [], next: null };
      const { filter, projection } = historyQuery(query);
      const found = await run(() =>
        samples
          .find(filter, { projection })
          .sort({ timestamp: query.order === 'desc' ? -1 : 1 })
          .limit(query.limit + 1)
          .toArray(),
      );
      const page = found.slice(0, query.limit).map(({ timestamp, metrics }) => ({
        timestamp,
        metrics: decodeMetrics(metrics),
      }));
      return { samples: page, next: found.length > query.limit ? (page.at(-1)?.timestamp ?? null) : null };
    },
    async deviceIds(after, limit) {
      const found = await run(() =>
        devices
          .find({ _id: { $gt: after } }, { projection: { _id: 1 } })
          .sort({ _id: 1 })
          .limit(limit)
          .toArray(),
      );
      // A process that was killed may have left samples without the device's own document.
      const sampled = await run(() => samples.distinct('device_id', { device_id: { $gt: after } }));
      const ids = new Set([...found.map(({ _id }) => _id), ...sampled]);
      return [...ids].sort((a, b) => a - b).slice(0, limit);
    },
    async restore(deviceId, { latest, ledger }) {
      const { stored, merged, rejected } = ledger;
      const newest = Math.max(newDevice(deviceId).newest, ...Object.values(latest).map(({ timestamp }) => timestamp));
      const state = { stored, merged, rejected: renamed(rejected, encodeName), latest: renamed(latest, encodeName) };
      const change = { $set: { ...state, newest }, $setOnInsert: { applied: {} } };
      await run(() => devices.updateOne({ _id: deviceId }, change, { upsert: true }));
    },
    // Its samples have one form; how they lie on disk is its storage engine's affair.
    seal: async () => 0,
    async deleteOlderThan(before, limit) {
      let removed = 0;
      const ids = await run(() => samples.distinct('device_id'));
      for (let index = 0; index < ids.length && removed < limit; index += DEVICES_A_QUERY) {
        removed += await deleteOf(ids.slice(index, index + DEVICES_A_QUERY), before, limit - removed);
      }
      return removed;
    },
    aggregate: createAggregator(source),
    series: reads.series,
    rollUp: ({ endedBefore, limit }) =>
      rollups.rollUp({ endedBefore: Math.min(endedBefore, clock.now() - CLOCKS_DIFFER_MS), limit }),
    ping: connection.ping,
  };
}

function historyQuery({ deviceId, start, end, metrics, order, after }: HistoryQuery) {
  const from = order === 'asc' && after !== undefined ? Math.max(start, after + 1) : start;
  const to = order === 'desc' && after !== undefined ? Math.min(end, after) : end;
  const range = { device_id: deviceId, timestamp: { $gte: from, $lt: to } };
  const fields = metrics?.map((name) => `metrics.${encodeName(name)}`);
  const filter: Filter<SampleDocument> =
    fields === undefined ? range : { ...range, $or: fields.map((field) => ({ [field]: { $exists: true } })) };
  const projection = {
    _id: 0,
    timestamp: 1,
    ...Object.fromEntries((fields ?? ['metrics']).map((field) => [field, 1])),
  };
  return { filter, projection };
}
