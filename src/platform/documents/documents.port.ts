import type { Component } from '#kernel/lifecycle.ts';

/** A JSON document. `id` is given by the writer and makes an insert idempotent. */
export interface StoredDocument {
  readonly id: string;
}

export interface CollectionDefinition {
  /** snake_case */
  readonly name: string;
  /** Compound indexes over top-level scalar fields, in order; each list serves filters on its prefix. */
  readonly indexes: readonly (readonly string[])[];
  /** Documents expire this long after the epoch milliseconds in `field`. Expiry may lag, but not by more than an hour. */
  readonly expiry?: { readonly field: string; readonly afterMs: number };
}

export type Scalar = string | number | boolean | null;

export interface DocumentQuery {
  /** Equality on top-level fields, with one of several values where a list is given; an empty filter means every document. */
  readonly filter?: Readonly<Record<string, Scalar | readonly Scalar[]>>;
  /** One range over a numeric field: `from` inclusive, `to` exclusive. */
  readonly range?: { readonly field: string; readonly from?: number; readonly to?: number };
}

export interface DocumentSearchQuery extends DocumentQuery {
  /**
   * Only those in which one of these top-level texts contains `text`, whatever the case of ASCII letters. Documents are
   * looked into one by one, so into `most` at most: those that match the rest and have the highest `newestBy`.
   */
  readonly contains?: {
    readonly fields: readonly string[];
    readonly text: string;
    readonly newestBy: string;
    readonly most: number;
  };
}

export interface DocumentListQuery extends DocumentSearchQuery {
  /** Ordered by this numeric field, ties by id in the same direction. */
  readonly sort: { readonly field: string; readonly direction: 'asc' | 'desc' };
  readonly limit: number;
  /** Leaves out that many from the beginning, for numbered pages: costs as much as reading them. */
  readonly skip?: number;
  /** Continue behind this position: sort value and id of the last document of a former page. */
  readonly after?: { readonly value: number; readonly id: string };
}

/** Documents of one kind. Every write is durable when its promise resolves. */
export interface DocumentCollection<T extends StoredDocument> {
  readonly name: string;
  /** Inserts what is not there yet (by id). Returns, by index, whether each was new. */
  insertMany(documents: readonly T[]): Promise<readonly boolean[]>;
  findById(id: string): Promise<T | null>;
  list(query: DocumentListQuery): Promise<readonly T[]>;
  /** All documents in the order of their ids, behind the id `after` (null: from the first). For copying a store. */
  scan(after: string | null, limit: number): Promise<readonly T[]>;
  count(query: DocumentSearchQuery): Promise<number>;
  /** Sets top-level fields of every match. Returns how many matched. */
  updateMany(query: DocumentQuery, changes: Partial<Omit<T, 'id'>>): Promise<number>;
  /** Returns how many were removed. */
  removeMany(query: DocumentQuery): Promise<number>;
}

/** Into how many documents a list looks for text. */
export const SEARCHED_DOCUMENTS = 10_000;

export interface DocumentStore extends Component {
  /** Declares a collection, before `start`. */
  collection<T extends StoredDocument>(definition: CollectionDefinition): DocumentCollection<T>;
  /** Those that were declared. */
  definitions(): readonly CollectionDefinition[];
  /** @throws AppError `unavailable` */
  ping(): Promise<void>;
}
