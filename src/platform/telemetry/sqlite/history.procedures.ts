import type { HistoryPage, HistoryQuery, Metrics } from '../telemetry.port.ts';
import type { createSampleReads } from './samples.procedures.ts';

/** Rows that a filtered history query reads in one step while it looks for matches. */
const SCAN_STEP = 2_000;
/** Rows after which it answers with what it has: others wait for this thread. */
const MAX_SCAN = 20_000;

export function createHistoryReads(stored: ReturnType<typeof createSampleReads>) {
  return {
    'telemetry.history': (query: HistoryQuery): HistoryPage => {
      const descending = query.order === 'desc';
      const samples: { timestamp: number; metrics: Metrics }[] = [];
      let start = !descending && query.after !== undefined ? Math.max(query.start, query.after + 1) : query.start;
      let end = descending && query.after !== undefined ? Math.min(query.end, query.after) : query.end;
      const step = query.metrics === undefined ? query.limit + 1 : SCAN_STEP;
      for (let scanned = 0; ; scanned += step) {
        const rows = stored.page({ deviceId: query.deviceId, from: start, to: end, limit: step }, descending);
        for (const { timestamp, metrics: all } of rows) {
          const metrics = pick(all, query.metrics);
          if (metrics === null) continue;
          if (samples.length === query.limit) return { samples, next: samples.at(-1)?.timestamp ?? null };
          samples.push({ timestamp, metrics });
        }
        const last = rows.at(-1);
        if (last === undefined || rows.length < step) return { samples, next: null };
        if (scanned + step >= MAX_SCAN) return { samples, next: last.timestamp };
        if (descending) end = last.timestamp;
        else start = last.timestamp + 1;
      }
    },
  };
}

function pick(metrics: Metrics, names: readonly string[] | undefined): Metrics | null {
  if (names === undefined) return metrics;
  const entries = names.filter((name) => Object.hasOwn(metrics, name)).map((name) => [name, metrics[name]]);
  return entries.length === 0 ? null : Object.fromEntries(entries);
}
