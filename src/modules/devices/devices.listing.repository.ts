import type { SelectQueryBuilder } from 'kysely';
import { LRUCache } from 'lru-cache';
import { type Page, several, toPage } from '#kernel/pagination.ts';
import { containing, isLike, type SqlStore } from '#platform/sql/sql.port.ts';
import type { DeviceFilter, DeviceListing, DeviceListQuery, DeviceRecord } from './devices.ports.ts';
import { fillUp, type Slot, type Statements } from './devices.statements.ts';
import { DEVICE_COLUMNS, type DeviceTables } from './devices.tables.ts';

/** Characters of cached records; about twice as many bytes. */
const CACHED_CHARACTERS = 4_000_000;
const RECORD_OVERHEAD = 500;
const CACHED_TOTALS = 500;

type DevicePage = Page<DeviceRecord>;

interface CachedRecord {
  readonly revision: number;
  readonly record: DeviceRecord;
}

/**
 * The paged list. Reading twenty whole rows costs three times what a bare HTTP answer does, so a page is read
 * as ids with their revisions, and only rows that changed since they were last read are read whole. The same
 * goes for totals: counted once for each revision of the roster. A store that can tell that nothing at all was
 * written is not even asked for the ids again. Nothing here can be stale, whoever wrote: revisions and the token
 * come from the store each time, and every write raises them in its own transaction.
 */
export function createDeviceListing(store: SqlStore, statements: Statements): DeviceListing {
  const records = new LRUCache<number, CachedRecord>({
    maxSize: CACHED_CHARACTERS,
    sizeCalculation: ({ record }) => sizeOf(record),
  });
  const totals = new LRUCache<string, { readonly roster: number; readonly total: number }>({ max: CACHED_TOTALS });
  const pages = new LRUCache<string, { readonly token: string; readonly page: DevicePage }>({
    maxSize: CACHED_CHARACTERS,
    sizeCalculation: ({ page }) => page.items.reduce((sum, record) => sum + sizeOf(record), RECORD_OVERHEAD),
  });
  const db = () => store.db<DeviceTables>();

  async function readPage(query: DeviceListQuery, shape: string, values: object) {
    const { rows } = await statements.run(
      db(),
      `device.page ${shape} ${query.sort.map(({ field, direction }) => `${field} ${direction}`).join()}`,
      (slot) => {
        let page = filtered(db().selectFrom('devices'), query, slot).select((eb) => [
          'id',
          'revision',
          'last_seen_at as lastSeenAt',
          eb
            .selectFrom('device_roster')
            .select('device_roster.revision')
            .where('device_roster.id', '=', 1)
            .as('roster'),
        ]);
        for (const { field, direction } of query.sort) page = page.orderBy(field, direction);
        if (!query.sort.some(({ field }) => field === 'id'))
          page = page.orderBy('id', query.sort[query.sort.length - 1]?.direction ?? 'desc');
        return page.limit(slot<number>('limit')).offset(slot<number>('offset'));
      },
      { ...values, limit: query.size, offset: (query.page - 1) * query.size },
    );
    return rows;
  }

  async function readRecords(ids: readonly number[]): Promise<readonly CachedRecord[]> {
    if (ids.length === 0) return [];
    const filled = fillUp(ids);
    const { rows } = await statements.run(
      db(),
      `device.records ${filled.length}`,
      (slot) =>
        db()
          .selectFrom('devices')
          .select(DEVICE_COLUMNS)
          .select('revision')
          .where(
            'id',
            'in',
            filled.map((_, index) => slot<number>(String(index))),
          ),
      { ...filled },
    );
    return rows.map(({ revision, ...record }) => ({ revision, record }));
  }

  async function count(query: DeviceListQuery, shape: string, values: object): Promise<number> {
    const { rows } = await statements.run(
      db(),
      `device.count ${shape}`,
      (slot) => filtered(db().selectFrom('devices'), query, slot).select((eb) => eb.fn.countAll<number>().as('total')),
      { ...values },
    );
    return Number(rows[0]?.total ?? 0);
  }

  async function totalOf(query: DeviceListQuery, shape: string, values: object, roster: number | null | undefined) {
    // These change without the roster's revision; and a page without rows brought no revision along.
    if (
      query.filter.status !== undefined ||
      query.filter.configInSync !== undefined ||
      roster === null ||
      roster === undefined
    )
      return count(query, shape, values);
    const key = `${shape} ${JSON.stringify(values)}`;
    const known = totals.get(key);
    if (known?.roster === roster) return known.total;
    const total = await count(query, shape, values);
    totals.set(key, { roster, total });
    return total;
  }

  async function readList(query: DeviceListQuery): Promise<DevicePage> {
    const shape = shapeOf(query);
    const values = valuesOf(query);
    const rows = await readPage(query, shape, values);
    const found = new Map<number, CachedRecord>();
    const changed: number[] = [];
    for (const { id, revision } of rows) {
      const cached = records.get(id);
      if (cached?.revision === revision) found.set(id, cached);
      else changed.push(id);
    }
    for (const read of await readRecords(changed)) {
      found.set(read.record.id, read);
      records.set(read.record.id, read);
    }
    const total = await totalOf(query, shape, values, rows[0]?.roster);

    const items: DeviceRecord[] = [];
    for (const { id, lastSeenAt } of rows) {
      const cached = found.get(id);
      if (cached === undefined) continue;
      let { record } = cached;
      if (record.lastSeenAt !== lastSeenAt) {
        record = { ...record, lastSeenAt };
        records.set(id, { revision: cached.revision, record });
      }
      items.push(record);
    }
    return toPage(items, total, query);
  }

  return {
    async list(query) {
      const token = store.changeToken();
      if (token === null) return readList(query);
      const key = JSON.stringify(query);
      const known = pages.get(key);
      if (known?.token === token) return known.page;
      const page = await readList(query);
      pages.set(key, { token, page });
      return page;
    },
  };
}

function sizeOf({ metadata }: DeviceRecord): number {
  return RECORD_OVERHEAD + metadata.length;
}

const COLUMN_OF = {
  status: 'status',
  deviceType: 'device_type',
  groupId: 'group_id',
  ownerId: 'owner_id',
  configInSync: 'config_in_sync',
} as const satisfies Partial<Record<keyof DeviceFilter, string>>;

/** The conditions that the query has, each with the values of which one will do. */
function listsOf(filter: DeviceFilter) {
  return (Object.keys(COLUMN_OF) as (keyof typeof COLUMN_OF)[]).flatMap((name) => {
    const asked = filter[name];
    return asked === undefined ? [] : [{ name, values: fillUp<string | number>(several<string | number>(asked)) }];
  });
}

/** Which conditions the query has, whatever their values: two queries of one shape are one statement. */
function shapeOf({ filter, visibleTo }: DeviceListQuery): string {
  let shape = visibleTo === null ? '' : 'v';
  for (const { name, values } of listsOf(filter)) shape += `,${name}${values.length}`;
  return filter.q === undefined ? shape : `${shape},q`;
}

function valuesOf({ filter, visibleTo }: DeviceListQuery): object {
  const listed = listsOf(filter).flatMap(({ name, values }) =>
    values.map((value, index) => [`${name}${index}`, value] as const),
  );
  return {
    ...Object.fromEntries(listed),
    ...(visibleTo === null ? {} : { visibleTo }),
    ...(filter.q === undefined ? {} : { q: containing(filter.q) }),
  };
}

function filtered<O>(
  from: SelectQueryBuilder<DeviceTables, 'devices', O>,
  { filter, visibleTo }: DeviceListQuery,
  slot: Slot,
): SelectQueryBuilder<DeviceTables, 'devices', O> {
  let query = from.where('deleted_at', 'is', null);
  if (visibleTo !== null) query = query.where('owner_id', '=', slot<number>('visibleTo'));
  for (const { name, values } of listsOf(filter)) {
    const slots = values.map((_, index) => slot<never>(`${name}${index}`));
    query = query.where(COLUMN_OF[name], 'in', slots);
  }
  if (filter.q !== undefined) query = query.where(isLike(['name', 'device_uid'], slot('q')));
  return query;
}
