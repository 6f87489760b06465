import type { SqlStore } from '#platform/sql/sql.port.ts';

/** A store that answers nobody any more once it is killed, whatever it had stored. */
export function killable(sql: SqlStore): { readonly sql: SqlStore; kill(): void } {
  let isKilled = false;
  const never = new Promise<never>(() => {});
  const unlessKilled = async <T>(work: Promise<T>): Promise<T> => {
    try {
      const result = await work;
      return isKilled ? await never : result;
    } catch (error) {
      return isKilled ? await never : Promise.reject(error);
    }
  };
  return {
    sql: {
      ...sql,
      transaction: (work, durability) => (isKilled ? never : unlessKilled(sql.transaction(work, durability))),
    },
    kill: () => {
      isKilled = true;
    },
  };
}
