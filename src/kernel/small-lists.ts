import { type Page, type PageQuery, parseSort, type SortTerm, toPage } from './pagination.ts';

type Value = string | number | boolean | null;

/** How a list that is small enough to be read whole can be looked at. */
export interface SmallList<T, Field extends string> {
  /** What it can be sorted by. NULL sorts before every value. */
  readonly fields: Readonly<Record<Field, (record: T) => Value>>;
  /** The texts that `q` looks into, whatever the case. */
  readonly searched: (record: T) => readonly (string | null)[];
  readonly fallback: readonly SortTerm<Field>[];
}

export interface SmallListQuery extends PageQuery {
  readonly q?: string;
}

/**
 * One page of `all`, as the stores answer it for long lists. Records that the order leaves equal stay as they are given.
 * @throws AppError `invalid_sort`
 */
export function pageOfAll<T, Field extends string>(
  all: readonly T[],
  { q = '', ...query }: SmallListQuery,
  { fields, searched, fallback }: SmallList<T, Field>,
): Page<T> {
  const order = parseSort(query.sort, Object.keys(fields) as Field[], fallback);
  const wanted = q.toLowerCase();
  const found = all
    .filter((record) => wanted === '' || searched(record).some((text) => text?.toLowerCase().includes(wanted) === true))
    .toSorted((a, b) => {
      for (const { field, direction } of order) {
        const difference = compare(fields[field](a), fields[field](b));
        if (difference !== 0) return direction === 'asc' ? difference : -difference;
      }
      return 0;
    });
  const start = (query.page - 1) * query.size;
  return toPage(found.slice(start, start + query.size), found.length, query);
}

function compare(a: Value, b: Value): number {
  if (a === b) return 0;
  if (a === null || b === null) return a === null ? -1 : 1;
  return a < b ? -1 : 1;
}
