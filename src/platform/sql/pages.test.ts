import { sql } from 'kysely';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createTestSql } from '#test/support/sql.ts';
import { countOf, type PageAsked, readPage } from './pages.port.ts';
import { FIRST, type Tables } from './sql.contract.tables.ts';
import type { SqlStore } from './sql.port.ts';

let store: SqlStore;
beforeEach(async () => {
  store = await createTestSql(FIRST);
  const names = ['b', 'a', 'b', 'c', 'b'].map((name) => ({ name, active_name: null }));
  await store.db<Tables>().insertInto('owners').values(names).execute();
});
afterEach(async () => {
  await store.stop?.(AbortSignal.timeout(10_000));
});

const owners = () => store.db<Tables>().selectFrom('owners').selectAll();
const TIE = { field: 'id', direction: 'desc' } as const;

async function idsOf(sort: PageAsked<'id' | 'name'>['sort'], size = 10): Promise<number[]> {
  const ids: number[] = [];
  for (let page = 1; ; page += 1) {
    const found = await readPage(owners(), { sort, tie: TIE, page, size }, ({ id }) => id);
    expect(found.total).toBe(5);
    if (found.items.length === 0) return ids;
    ids.push(...found.items);
  }
}

test('a page has the order that was asked for, and what is equal there is told apart by the tie', async () => {
  expect(await idsOf([])).toEqual([5, 4, 3, 2, 1]);
  expect(await idsOf([{ field: 'name', direction: 'asc' }])).toEqual([2, 5, 3, 1, 4]);
  expect(await idsOf([{ field: 'id', direction: 'asc' }])).toEqual([1, 2, 3, 4, 5]);
});

test('the pages together are all rows, each once', async () => {
  expect(await idsOf([{ field: 'name', direction: 'asc' }], 2)).toEqual([2, 5, 3, 1, 4]);
});

test('an expression sorts as a column does', async () => {
  const isC = sql`case when name = 'c' then 1 else 0 end`;
  expect(await idsOf([{ field: isC, direction: 'desc' }])).toEqual([4, 5, 3, 2, 1]);
});

test('a count is of the rows that match, whatever is selected of them', async () => {
  expect(await countOf(owners().where('name', '=', 'b'))).toBe(3);
  expect(await countOf(store.db<Tables>().selectFrom('owners').where('name', '=', 'z'))).toBe(0);
});
