import { client } from '#console/api/client.ts';
import type { paths } from '#console/api/schema.d.ts';
import { type Outcome, OVERTAKEN } from '#console/components/undo.tsx';

/** A record that can be read and changed at the same address. */
type RecordPath = {
  [Path in keyof paths]: paths[Path] extends { get: object; patch: object } ? Path : never;
}[keyof paths];

interface Change {
  /** What is in the address. */
  readonly ids?: Readonly<Record<string, number>>;
  readonly changes: object;
  /** Fields that the API changes along with them. */
  readonly along?: readonly string[];
}

interface Answered {
  readonly data?: Readonly<Record<string, unknown>>;
  readonly error?: unknown;
}

const isSame = (one: unknown, other: unknown) => JSON.stringify(one) === JSON.stringify(other);

/** Changes a record. The way back puts its old values there again, unless somebody has changed the same ones since. */
export async function changeRecord(path: RecordPath, { ids = {}, changes, along = [] }: Change): Promise<Outcome> {
  const params = { path: ids };
  const read = () => client.GET(path as never, { params } as never) as Promise<Answered>;
  const patch = (body: object) => client.PATCH(path as never, { params, body } as never) as Promise<Answered>;
  const { data: before = {}, error } = await read();
  if (error !== undefined) return { error };
  const answer = await patch(changes);
  if (answer.error !== undefined) return answer;
  const after = answer.data ?? {};
  const fields = [...Object.keys(changes), ...along].filter((field) => !isSame(before[field], after[field]));
  if (fields.length === 0) return {};
  return {
    undo: async () => {
      const now = await read();
      if (now.error !== undefined) return now;
      if (fields.some((field) => !isSame(now.data?.[field], after[field]))) return { error: OVERTAKEN };
      return await patch(Object.fromEntries(fields.map((field) => [field, before[field]])));
    },
  };
}
