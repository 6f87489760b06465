import type { ReactNode } from 'react';
import type { paths } from '#console/api/schema.d.ts';
import type { Kind } from '#console/components/named.ts';
import type { EmptyProps } from '#console/components/states.tsx';
import type { Outcome } from '#console/components/undo.tsx';
import type { Role } from '#console/session/session.ts';

/** A list of the API: `{items, total, page, size, pages}`. */
export type ListPath = {
  [Path in keyof paths]: paths[Path] extends {
    get: { responses: { 200: { content: { 'application/json': { items: unknown[]; total: number } } } } };
  }
    ? Path
    : never;
}[keyof paths];

/** What one item of a list is. */
export type RowOf<Path extends ListPath> = paths[Path] extends {
  get: { responses: { 200: { content: { 'application/json': { items: (infer Row)[] } } } } };
}
  ? Row
  : never;

export interface Column<Row> {
  /** Of the API: its name in `sort` and in the CSV file. */
  readonly key: string;
  readonly label: string;
  /** Default: the value as text. */
  readonly render?: (row: Row) => ReactNode;
  readonly sortable?: boolean;
  /** Not shown until somebody chooses it. */
  readonly optional?: boolean;
}

export interface Filter {
  /** Of the API: the query parameter. */
  readonly key: string;
  readonly label: string;
  /** By what is chosen among these records. */
  readonly kind?: Kind;
  /** Choices: several may be taken where `several` is true. Without either: free text. */
  readonly options?: readonly { readonly value: string; readonly label: string }[];
  readonly several?: boolean;
}

/** Something that is done to each of the rows that were picked. */
export interface BulkAction<Row> {
  readonly key: string;
  readonly label: string;
  readonly color?: string;
  readonly least: Role;
  /** What it is done with is asked for beforehand; none is a choice, too. */
  readonly asks?: { readonly kind: Kind; readonly label: string; readonly none: string };
  /** Does it to one row. @param chosen of `asks`. @throws or answers a problem */
  run(row: Row, chosen: number | null): Promise<Outcome>;
}

/** One kind of record, as its page shows it. */
export interface Records<Path extends ListPath> {
  /** Of the saved views and of the file. */
  readonly name: string;
  readonly path: Path;
  readonly title: string;
  readonly text?: string;
  readonly columns: readonly Column<RowOf<Path>>[];
  readonly filters?: readonly Filter[];
  /** Default: true. */
  readonly searchable?: boolean;
  /** As the API takes it, `-created_at`. */
  readonly sort?: string;
  /** Always asked for, whatever the filters. */
  readonly query?: Readonly<Record<string, string | number | boolean>>;
  readonly keyOf: (row: RowOf<Path>) => string | number;
  /** What a row is called, for checkboxes and results. */
  readonly nameOf: (row: RowOf<Path>) => string;
  /** Where a click on a row leads. */
  readonly hrefOf?: (row: RowOf<Path>) => string;
  /** Instead of a page: opens the row beside the list. */
  readonly onOpen?: (row: RowOf<Path>) => void;
  readonly bulk?: readonly BulkAction<RowOf<Path>>[];
  readonly actions?: ReactNode;
  /** Read again so often. Without: when something says that it has changed. */
  readonly refreshMs?: number | undefined;
  /** It is a part of a page, which has a title of its own. */
  readonly isPart?: boolean;
  readonly empty: EmptyProps;
}
