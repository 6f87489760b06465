import { keepPreviousData, useQueries, useQuery } from '@tanstack/react-query';
import { client } from '#console/api/client.ts';

/** Records that others point to by id, and that people know by name. */
export type Kind = 'person' | 'device' | 'group';

export interface Named {
  readonly id: number;
  readonly name: string;
  /** What tells two of the same name apart. */
  readonly detail: string;
}

/** Query parameters of the list, such as `{ device_type: ['pump'] }`. */
export type Only = Readonly<Record<string, unknown>>;

interface Source {
  /** Those whose name has `q` in it; empty: the first ones. @throws the API's problem */
  find(q: string, only: Only, signal: AbortSignal): Promise<readonly Named[]>;
  /** Null: there is none, or none that one may see. @throws the API's problem */
  get(id: number, signal: AbortSignal): Promise<Named | null>;
}

const FOUND = 50;
const MOST_IDS = 50;
const KEPT_MS = 300_000;

interface Answer<Row> {
  readonly data?: Row | undefined;
  readonly error?: unknown;
  readonly response: Response;
}

async function found<Row>(
  asked: Promise<Answer<{ readonly items: readonly Row[] }>>,
  named: (row: Row) => Named,
): Promise<readonly Named[]> {
  const { data, error } = await asked;
  if (data === undefined) throw error;
  return data.items.map(named);
}

async function one<Row>(asked: Promise<Answer<Row>>, named: (row: Row) => Named): Promise<Named | null> {
  const { data, error, response } = await asked;
  if (data !== undefined) return named(data);
  if (response.status === 404) return null;
  throw error;
}

const listed = (q: string, only: Only) => ({ ...only, size: FOUND, ...(q === '' ? {} : { q: q.slice(0, 100) }) });
const person = ({ id, full_name, email }: { id: number; full_name: string | null; email: string }) => ({
  ...{ id, name: full_name || email },
  detail: full_name ? email : '',
});
const device = ({ id, name, device_uid }: { id: number; name: string; device_uid: string }) => ({
  ...{ id, name },
  detail: device_uid,
});
const group = ({ id, name, description }: { id: number; name: string; description: string | null }) => ({
  ...{ id, name },
  detail: description ?? '',
});

const SOURCES: Readonly<Record<Kind, Source>> = {
  person: {
    find: (q, only, signal) => {
      const query = { ...listed(q, only), is_active: true };
      return found(client.GET('/api/v1/users/directory', { params: { query }, signal }), person);
    },
    get: (id) => personOf(id),
  },
  device: {
    find: (q, only, signal) => {
      const query = { ...listed(q, only), sort: 'name' };
      return found(client.GET('/api/v1/devices', { params: { query }, signal }), device);
    },
    get: (id, signal) =>
      one(client.GET('/api/v1/devices/{device_id}', { params: { path: { device_id: id } }, signal }), device),
  },
  group: {
    find: (q, only, signal) => {
      const query = { ...listed(q, only), sort: 'name' };
      return found(client.GET('/api/v1/device-groups', { params: { query }, signal }), group);
    },
    get: (id, signal) =>
      one(client.GET('/api/v1/device-groups/{group_id}', { params: { path: { group_id: id } }, signal }), group),
  },
};

interface Asked {
  readonly id: number;
  readonly resolve: (person: Named | null) => void;
  readonly reject: (error: unknown) => void;
}

let waiting: Asked[] = [];

/** The people of a whole page are asked for at once. */
function personOf(id: number): Promise<Named | null> {
  if (waiting.length === 0) setTimeout(askForPeople);
  return new Promise((resolve, reject) => waiting.push({ id, resolve, reject }));
}

function askForPeople(): void {
  const all = waiting;
  waiting = [];
  for (let at = 0; at < all.length; at += MOST_IDS) {
    const asked = all.slice(at, at + MOST_IDS);
    const query = { id: asked.map(({ id }) => id), size: MOST_IDS };
    found(client.GET('/api/v1/users/directory', { params: { query } }), person).then(
      (people) => {
        for (const { id, resolve } of asked) resolve(people.find((each) => each.id === id) ?? null);
      },
      (error: unknown) => {
        for (const { reject } of asked) reject(error);
      },
    );
  }
}

/** What is called like `q`, as the API finds it. */
export function useFound(kind: Kind, q: string, only: Only = {}) {
  return useQuery({
    queryKey: ['found', kind, q, only],
    queryFn: ({ signal }) => SOURCES[kind].find(q, only, signal),
    placeholderData: keepPreviousData,
  });
}

/** What records are called. An id is missing for as long as its name is not known, or not to be known. */
export function useNamed(kind: Kind, ids: readonly number[], enabled = true): ReadonlyMap<number, Named> {
  return useQueries({
    queries: [...new Set(ids)].map((id) => ({
      queryKey: ['named', kind, id],
      staleTime: KEPT_MS,
      enabled,
      queryFn: ({ signal }: { signal: AbortSignal }) => SOURCES[kind].get(id, signal),
    })),
    combine: (results) => new Map(results.flatMap(({ data }) => (data ? [[data.id, data] as const] : []))),
  });
}
