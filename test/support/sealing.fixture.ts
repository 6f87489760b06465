/**
 * A process that stores batches one after the other while everything is sealed all the time, until it is killed.
 * `node sealing.fixture.ts <file> <number of the first batch>`; it prints each number as soon as the batch is acknowledged.
 */
import { silentLogger } from '#kernel/logger.ts';
import { createSqliteThread } from '#platform/sqlite/sqlite-thread.ts';
import { createSqliteTelemetryStore, TELEMETRY_PROCEDURES } from '#platform/telemetry/sqlite/telemetry.sqlite.ts';
import type { Sample } from '#platform/telemetry/telemetry.port.ts';

const HOUR = 3_600_000;
const START = 1_760_000_400_000;
const SAMPLES = 40;

/**
 * Batch `n`: most of it new, some late, some the same time stamp again with another metric. A value is that of its time
 * and metric, so whatever the order, a sample is one thing.
 */
export function batchOf(n: number): Sample[] {
  return Array.from({ length: SAMPLES }, (_, index) => {
    const isLate = index % 4 === 0;
    const at = isLate ? (n * 7_919 + index * 104_729) % (n * SAMPLES + 1) : n * SAMPLES + index;
    const timestamp = START + at * 5_000;
    const metric = `m${isLate ? n % 3 : 0}`;
    return { deviceId: 1 + (index % 2), timestamp, metrics: { [metric]: valueAt(timestamp, metric) } };
  });
}

export const valueAt = (timestamp: number, metric: string) =>
  ((timestamp / 1_000) % 977) / 10 + Number(metric.slice(1));

export async function openStore(file: string) {
  const options = { file, procedures: [TELEMETRY_PROCEDURES], logger: silentLogger };
  const writer = createSqliteThread({ name: 'writer', mode: 'write', ...options });
  const reader = createSqliteThread({ name: 'reader', mode: 'read', ...options });
  for (const thread of [writer, reader]) await thread.start?.(AbortSignal.timeout(60_000));
  return {
    store: createSqliteTelemetryStore({ writer, reader }),
    close: async () => {
      for (const thread of [reader, writer]) await thread.stop?.(AbortSignal.timeout(60_000));
    },
  };
}

async function run(file: string, first: number): Promise<void> {
  const { store } = await openStore(file);
  const seal = async () => {
    for (;;) {
      await store.seal({ endedBefore: START + 1_000_000 * HOUR, changedBefore: 9e15, limit: 8 });
      await store.rollUp({ endedBefore: 9e15, limit: 8 });
    }
  };
  void seal();
  for (let n = first; ; n += 1) {
    await store.append({ samples: batchOf(n), counts: [] });
    process.stdout.write(`${n}\n`);
  }
}

if (process.argv[1] === import.meta.filename) await run(process.argv[2] as string, Number(process.argv[3]));
