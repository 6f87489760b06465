import { type RawBuilder, type SelectQueryBuilder, type StringReference, sql } from 'kysely';

export interface Order<Column> {
  readonly field: Column;
  readonly direction: 'asc' | 'desc';
}

export interface PageAsked<Column> {
  /** Columns, or expressions where a field sorts by something else than its text. */
  readonly sort: readonly Order<Column | RawBuilder<unknown>>[];
  /** A column without duplicates: decides between rows that `sort` leaves equal, so that no row is on two pages. */
  readonly tie: Order<Column>;
  /** From 1. */
  readonly page: number;
  readonly size: number;
}

/** How many rows a query finds. */
export async function countOf<DB, TB extends keyof DB, O>(query: SelectQueryBuilder<DB, TB, O>): Promise<number> {
  const row = await query
    .clearSelect()
    .select((eb) => eb.fn.countAll<number>().as('total'))
    .executeTakeFirstOrThrow();
  return Number((row as { readonly total: number }).total);
}

/** One page of what a query, which has no order of its own yet, finds; and how many rows it finds in all. */
export async function readPage<DB, TB extends keyof DB, O, T>(
  query: SelectQueryBuilder<DB, TB, O>,
  { sort, tie, page, size }: PageAsked<StringReference<DB, TB>>,
  toItem: (row: O) => T,
): Promise<{ readonly items: readonly T[]; readonly total: number }> {
  let ordered = query;
  const orders = sort.some(({ field }) => field === tie.field) ? sort : [...sort, tie];
  for (const { field, direction } of orders) {
    ordered = ordered.orderBy(typeof field === 'string' ? sql.ref(field) : field, direction);
  }
  const rows = await ordered
    .limit(size)
    .offset((page - 1) * size)
    .execute();
  return { items: (rows as O[]).map(toItem), total: await countOf(query) };
}
