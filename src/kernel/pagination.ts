import { commonErrors } from './errors.ts';

/** `page` counts from 1; `size` is 1..100. `sort` is `-created_at,name`: a minus is descending. */
export interface PageQuery {
  readonly page: number;
  readonly size: number;
  readonly sort?: string;
}

export interface Page<T> {
  readonly items: readonly T[];
  readonly total: number;
  readonly page: number;
  readonly size: number;
  readonly pages: number;
}

export function toPage<T>(items: readonly T[], total: number, query: Pick<PageQuery, 'page' | 'size'>): Page<T> {
  return { items, total, page: query.page, size: query.size, pages: Math.ceil(total / query.size) };
}

/** What a filter asks for: one value, or several of which each will do. */
export type OneOrMore<T> = T | readonly T[];

/** The values of a filter, for `in (…)`. */
export function several<T extends string | number>(values: OneOrMore<T>): T[] {
  return typeof values === 'object' ? [...values] : [values];
}

/** One window of a time series: `next_cursor` is null at the end. */
export interface CursorPage<T> {
  readonly items: readonly T[];
  readonly next_cursor: string | null;
}

export interface SortTerm<Field extends string> {
  readonly field: Field;
  readonly direction: 'asc' | 'desc';
}

/**
 * Parses `-created_at,name` against the fields that a list allows.
 * @throws AppError `invalid_sort`, which names them, for any other field
 */
export function parseSort<Field extends string>(
  sort: string | undefined,
  allowed: readonly Field[],
  fallback: readonly SortTerm<Field>[],
): readonly SortTerm<Field>[] {
  if (sort === undefined || sort === '') return fallback;
  const terms: SortTerm<Field>[] = [];
  for (const part of sort.split(',')) {
    const descending = part.startsWith('-');
    const name = descending ? part.slice(1) : part;
    const field = allowed.find((candidate) => candidate === name);
    if (field === undefined) throw unsortable(name, allowed);
    terms.push({ field, direction: descending ? 'desc' : 'asc' });
  }
  return terms;
}

function unsortable(name: string, allowed: readonly string[]) {
  const asked = name === '' ? 'a field is missing' : `"${name}" is none of them`;
  const message = `must be some of ${allowed.join(', ')}, separated by commas, each with a minus before it for descending; ${asked}`;
  return commonErrors.invalid_sort({ details: { fields: [{ path: '/query/sort', message }] } });
}

/** An opaque position in a list: what a client passes back as `cursor`. */
export function encodeCursor(position: readonly (string | number)[]): string {
  return Buffer.from(JSON.stringify(position)).toString('base64url');
}

/** @returns the position, or null for anything that `encodeCursor` did not make with these types. */
export function decodeCursor<const T extends readonly ('string' | 'number')[]>(
  cursor: string,
  types: T,
): { [I in keyof T]: T[I] extends 'string' ? string : number } | null {
  let parts: unknown;
  try {
    parts = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
  } catch {
    return null;
  }
  if (!Array.isArray(parts) || parts.length !== types.length) return null;
  return parts.every((part, index) => typeof part === types[index]) ? (parts as never) : null;
}
