import { silentLogger } from '#kernel/logger.ts';
import { createSqliteThread } from '#platform/sqlite/sqlite-thread.ts';
import { createSqliteTelemetryStore, TELEMETRY_PROCEDURES } from '#platform/telemetry/sqlite/telemetry.sqlite.ts';
import type { Sample, TelemetryStore } from '#platform/telemetry/telemetry.port.ts';

const BATCH = 5_000;

/** The real store on a file, without the rest of the system. */
export interface OpenedStore extends AsyncDisposable {
  readonly store: TelemetryStore;
}

export async function openTelemetryStore(file: string): Promise<OpenedStore> {
  const options = { file, procedures: [TELEMETRY_PROCEDURES], logger: silentLogger };
  const writer = createSqliteThread({ name: 'writer', mode: 'write', ...options });
  const reader = createSqliteThread({ name: 'reader', mode: 'read', ...options });
  const signal = AbortSignal.timeout(3_600_000);
  for (const thread of [writer, reader]) await thread.start?.(signal);
  return {
    store: createSqliteTelemetryStore({ writer, reader }),
    [Symbol.asyncDispose]: async () => {
      for (const thread of [reader, writer]) await thread.stop?.(signal);
    },
  };
}

/** Stores `sampleAt(0)` to before `sampleAt(count)`, in batches. */
export async function fillStore(
  store: TelemetryStore,
  count: number,
  sampleAt: (index: number) => Sample,
): Promise<void> {
  for (let from = 0; from < count; from += BATCH) {
    const samples = Array.from({ length: Math.min(BATCH, count - from) }, (_, index) => sampleAt(from + index));
    await store.append({ samples, counts: [] });
  }
}

/** Everything there is. */
export const EVERYTHING = { endedBefore: 9e15, changedBefore: 9e15, limit: 16 };

export async function sealEverything(store: TelemetryStore): Promise<void> {
  while ((await store.seal(EVERYTHING)) === EVERYTHING.limit);
}
