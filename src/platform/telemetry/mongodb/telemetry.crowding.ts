import type { AnyBulkWriteOperation, Collection, Filter } from 'mongodb';
import type { MongodbConnection } from '#platform/mongodb/mongodb-connection.ts';
import { type LatestValue, NAME_KEPT_MS } from '../telemetry.port.ts';
import { encodeMetrics } from './telemetry.names.ts';
import type { DeviceDocument, Plan } from './telemetry.plan.ts';

/** What this process knows of a device's names, encoded. */
interface KnownNames {
  readonly names: Set<string>;
  /** No name's latest value is older. */
  oldest: number;
}

/** Names of all devices together; more are forgotten and read again. */
const REMEMBERED_NAMES = 1_000_000;

/**
 * Finds the samples that would bring their device more metric names than it may have. Each process goes by what it has
 * read and written, so that several at once can let a device have some more.
 */
export function createCrowding(run: MongodbConnection['run'], devices: Collection<DeviceDocument>) {
  const known = new Map<number, KnownNames>();
  let remembered = 0;

  function remember(deviceId: number, latest: Readonly<Record<string, LatestValue>>): KnownNames {
    remembered += Object.keys(latest).length - (known.get(deviceId)?.names.size ?? 0);
    const oldest = Math.min(...Object.values(latest).map(({ timestamp }) => timestamp));
    const entry = { names: new Set(Object.keys(latest)), oldest };
    known.set(deviceId, entry);
    return entry;
  }

  async function read(deviceIds: readonly number[]): Promise<ReadonlyMap<number, DeviceDocument['latest']>> {
    const filter = { _id: { $in: [...deviceIds] } };
    const found = await run(() => devices.find(filter, { projection: { latest: 1 } }).toArray());
    return new Map(found.map((device) => [device._id, device.latest]));
  }

  /** Forgets the names whose latest value is older than `before`, unless another process has just renewed it. */
  async function forgetOlder(deviceId: number, before: number): Promise<KnownNames> {
    const latest = Object.entries((await read([deviceId])).get(deviceId) ?? {});
    const removals = latest
      .filter(([, { timestamp }]) => timestamp < before)
      .map(([name, { timestamp }]): AnyBulkWriteOperation<DeviceDocument> => {
        const filter = { _id: deviceId, [`latest.${name}.timestamp`]: timestamp } as Filter<DeviceDocument>;
        return { updateOne: { filter, update: { $unset: { [`latest.${name}`]: true } } as object } };
      });
    if (removals.length > 0) await run(() => devices.bulkWrite(removals, { ordered: false }));
    return remember(deviceId, Object.fromEntries(latest.filter(([, { timestamp }]) => timestamp >= before)));
  }

  function admit(entry: KnownNames, fresh: readonly string[], timestamp: number): void {
    for (const name of fresh) entry.names.add(name);
    entry.oldest = Math.min(entry.oldest, timestamp);
    remembered += fresh.length;
  }

  /** Devices of the plan that would have too many. The names of the others are taken for known. */
  async function crowdedOf(plan: Plan, maxNames: number): Promise<ReadonlyMap<number, KnownNames>> {
    const crowded = new Map<number, KnownNames>();
    for (const [deviceId, { latest }] of plan.devices) {
      let entry = known.get(deviceId) as KnownNames;
      let fresh = freshIn(latest, entry.names);
      if (fresh.length === 0) continue;
      const times = Object.values(latest).map(({ timestamp }) => timestamp);
      const before = Math.max(...times) - NAME_KEPT_MS;
      if (entry.names.size + fresh.length > maxNames && before > entry.oldest) {
        entry = await forgetOlder(deviceId, before);
        fresh = freshIn(latest, entry.names);
      }
      if (entry.names.size + fresh.length > maxNames) crowded.set(deviceId, entry);
      else admit(entry, fresh, Math.min(...times));
    }
    return crowded;
  }

  return {
    /** Indexes of samples. */
    async find(plan: Plan, maxNames: number): Promise<ReadonlySet<number>> {
      const left = new Set<number>();
      if (maxNames === Number.POSITIVE_INFINITY) return left;
      if (remembered > REMEMBERED_NAMES) this.forget();
      const unknown = [...plan.devices.keys()].filter((deviceId) => !known.has(deviceId));
      if (unknown.length > 0) {
        const latest = await read(unknown);
        for (const deviceId of unknown) remember(deviceId, latest.get(deviceId) ?? {});
      }
      const crowded = await crowdedOf(plan, maxNames);
      if (crowded.size === 0) return left;
      for (const [index, { deviceId, timestamp, metrics }] of plan.samples.entries()) {
        const entry = crowded.get(deviceId);
        if (entry === undefined) continue;
        const fresh = freshIn(encodeMetrics(metrics), entry.names);
        if (fresh.length > 0 && entry.names.size + fresh.length > maxNames) left.add(index);
        else admit(entry, fresh, timestamp);
      }
      return left;
    },
    /** The documents are not as this process knows them: all is read again. */
    forget(): void {
      known.clear();
      remembered = 0;
    },
  };
}

function freshIn(metrics: object, names: ReadonlySet<string>): string[] {
  const fresh: string[] = [];
  for (const name in metrics) if (!names.has(name)) fresh.push(name);
  return fresh;
}
