import { REMEMBERED_BATCHES } from './telemetry.port.ts';

/** What is known of the latest batches, by their ids; the oldest gives way. */
export interface RecentBatches<T> {
  get(id: string | undefined): T | undefined;
  set(id: string | undefined, known: T): void;
}

export function createRecentBatches<T>(): RecentBatches<T> {
  const batches = new Map<string, T>();
  return {
    get: (id) => (id === undefined ? undefined : batches.get(id)),
    set(id, known) {
      if (id === undefined) return;
      batches.delete(id);
      batches.set(id, known);
      const [oldest] = batches.keys();
      if (batches.size > REMEMBERED_BATCHES && oldest !== undefined) batches.delete(oldest);
    },
  };
}
