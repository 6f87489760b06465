/**
 * Field of a record → the name that it has elsewhere: a column, a property of the API. One such list per record, from which
 * its row, its view and its audited picture are made.
 */
export type FieldNames<T> = Readonly<Partial<Record<keyof T & string, string>>>;

/** The fields that are in the list, under their other names. */
export type Renamed<T, N extends FieldNames<T>> = {
  [K in keyof T & keyof N as N[K] extends string ? N[K] : never]: T[K];
};

/** What a `select` has to say for the rows to be records: `device_type as deviceType`. */
export type Selection<N extends Readonly<Record<string, string>>> = {
  [K in keyof N & string]: N[K] extends K ? K : `${N[K]} as ${K}`;
}[keyof N & string];

/** Of those fields that are in the list; one that is undefined is left out. */
export function rename<T extends object, const N extends FieldNames<T>>(record: T, names: N): Renamed<T, N> {
  const found: Record<string, unknown> = {};
  for (const field in names) {
    const value = (record as Readonly<Record<string, unknown>>)[field];
    if (value !== undefined) found[names[field] as string] = value;
  }
  return found as Renamed<T, N>;
}

/** The way back: properties under their other names → fields. */
export function renameBack<T extends object, const N extends FieldNames<T>>(
  properties: Partial<Renamed<T, N>>,
  names: N,
): Partial<Pick<T, keyof T & keyof N>> {
  const found: Record<string, unknown> = {};
  for (const field in names) {
    const value = (properties as Readonly<Record<string, unknown>>)[names[field] as string];
    if (value !== undefined) found[field] = value;
  }
  return found as Partial<Pick<T, keyof T & keyof N>>;
}

export function selection<const N extends Readonly<Record<string, string>>>(names: N): readonly Selection<N>[] {
  return Object.entries(names).map(([field, name]) =>
    field === name ? field : `${name} as ${field}`,
  ) as unknown as readonly Selection<N>[];
}

/** Those of `changes` that are not so already. */
export function differences<T extends object>(before: T, changes: Partial<T>): Partial<T> {
  const found: Partial<T> = {};
  for (const field in changes) {
    if (changes[field] !== undefined && changes[field] !== before[field]) found[field] = changes[field];
  }
  return found;
}

/** The list without some of its fields. */
export function without<N extends object, const K extends keyof N>(names: N, ...fields: readonly K[]): Omit<N, K> {
  const rest = { ...names };
  for (const field of fields) delete rest[field];
  return rest;
}
