import { useNavigate, useSearch } from '@tanstack/react-router';
import type { ListPath, Records } from './records.types.ts';

/** What a list shows; all of it is in the address, so that it can be sent to somebody. */
export interface ListState {
  readonly q: string;
  readonly sort: string | undefined;
  readonly page: number;
  readonly size: number;
  /** Filter → its values. */
  readonly filters: Readonly<Record<string, readonly string[]>>;
  readonly columns: readonly string[];
}

export type ListChange = Partial<ListState>;

const SIZES = [20, 50, 100];
export const PAGE_SIZES: readonly string[] = SIZES.map(String);

const textsOf = (value: unknown): readonly string[] =>
  value === undefined || value === '' ? [] : String(value).split(',');

/** A text that reads as a number is put into quotes by the router; a number is not, and is read the same here. */
const plain = (value: unknown) =>
  typeof value === 'string' && /^(0|[1-9]\d{0,14})$/.test(value) ? Number(value) : value;

/** Reads the address, and writes changes into it. A change of anything but the page leads to the first page. */
export function useListState<Path extends ListPath>(
  records: Pick<Records<Path>, 'columns' | 'filters' | 'sort'>,
): readonly [ListState, (change: ListChange) => void] {
  const search = useSearch({ strict: false }) as Readonly<Record<string, unknown>>;
  const navigate = useNavigate();
  const shown = records.columns.filter((column) => column.optional !== true).map(({ key }) => key);
  const chosen = textsOf(search['columns']);
  const size = Number(search['size']);
  const state: ListState = {
    q: typeof search['q'] === 'string' || typeof search['q'] === 'number' ? String(search['q']) : '',
    sort: typeof search['sort'] === 'string' ? search['sort'] : records.sort,
    page: Math.max(1, Math.trunc(Number(search['page'] ?? 1)) || 1),
    size: SIZES.includes(size) ? size : 20,
    filters: Object.fromEntries((records.filters ?? []).map(({ key }) => [key, textsOf(search[key])])),
    columns: chosen.length > 0 ? chosen : shown,
  };
  const change = (next: ListChange) => {
    const { filters, ...rest } = { ...state, ...('page' in next ? {} : { page: 1 }), ...next };
    const all: Record<string, unknown> = { ...rest, columns: rest.columns.join(',') };
    for (const [key, values] of Object.entries(filters)) all[key] = values.join(',');
    const defaults: Record<string, unknown> = {
      q: '',
      sort: records.sort,
      page: 1,
      size: 20,
      columns: shown.join(','),
    };
    const kept = Object.entries(all)
      .filter(([key, value]) => value !== '' && value !== defaults[key])
      .map(([key, value]) => [key, plain(value)]);
    void navigate({ to: '.', search: Object.fromEntries(kept) as never, replace: true });
  };
  return [state, change];
}

/** As the API takes it. */
export function queryOf<Path extends ListPath>(
  { q, sort, page, size, filters }: ListState,
  records: Pick<Records<Path>, 'query'>,
): Record<string, unknown> {
  const set = Object.entries(filters).filter(([, values]) => values.length > 0);
  return {
    ...records.query,
    ...Object.fromEntries(set.map(([key, values]) => [key, values.join(',')])),
    ...(q === '' ? {} : { q }),
    ...(sort === undefined ? {} : { sort }),
    page,
    size,
  };
}
