import type { DatabaseSync } from 'node:sqlite';
import type { AppendResult, LedgerEntry } from '../telemetry.port.ts';
import type { EncodedBatch } from './encoded-batch.ts';

/** The sum of all ledgers, kept up by each commit in its own transaction: adding up 100,000 devices takes far longer. */
export const TOTALS_SCHEMA = `
  CREATE TABLE IF NOT EXISTS telemetry_totals (
    kind TEXT NOT NULL, reason TEXT NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (kind, reason)
  ) WITHOUT ROWID;
`;

/** Adds up what there is, for a file from before there were totals. Again after a crash in between: the same. */
export function sumTotals(database: DatabaseSync): void {
  database.exec(`
    DELETE FROM telemetry_totals;
    INSERT INTO telemetry_totals
      SELECT 'stored', '', coalesce(sum(stored), 0) FROM telemetry_devices
      UNION ALL SELECT 'merged', '', coalesce(sum(merged), 0) FROM telemetry_devices
      UNION ALL SELECT 'rejected', each.key, sum(each.value) FROM telemetry_devices, json_each(rejected) AS each GROUP BY each.key`);
}

export function createTotalsReads(database: DatabaseSync) {
  const select = database.prepare('SELECT kind, reason, count FROM telemetry_totals');
  return {
    'telemetry.totals': (): LedgerEntry => {
      const rows = select.all() as { kind: string; reason: string; count: number }[];
      const of = (kind: string) => rows.find((row) => row.kind === kind)?.count ?? 0;
      const refusals = rows.filter(({ kind, count }) => kind === 'rejected' && count !== 0);
      const rejected = Object.fromEntries(refusals.map(({ reason, count }) => [reason, count]));
      return { stored: of('stored'), merged: of('merged'), rejected };
    },
  };
}

/** Called within the transaction that changes the ledgers. */
export function createTotalsWrites(database: DatabaseSync) {
  const write = database.prepare(
    'INSERT INTO telemetry_totals VALUES (?, ?, ?) ON CONFLICT (kind, reason) DO UPDATE SET count = count + excluded.count',
  );
  const add = (kind: string, reason: string, count: number) => {
    if (count !== 0) write.run(kind, reason, count);
  };

  return {
    /** @param sign -1: takes it away */
    addEntry({ stored, merged, rejected }: LedgerEntry, sign: 1 | -1): void {
      add('stored', '', sign * stored);
      add('merged', '', sign * merged);
      for (const [reason, count] of Object.entries(rejected)) add('rejected', reason, sign * count);
    },
    addBatch({ deviceIds, counts }: EncodedBatch, { merged, leftOut, newLogs }: AppendResult): void {
      const newDocuments = newLogs.filter(Boolean).length;
      let stored = deviceIds.length - merged.length - leftOut.length + newDocuments;
      let met = merged.length + newLogs.length - newDocuments;
      const rejected = new Map<string, number>();
      const reject = (reason: string, count: number) => rejected.set(reason, (rejected.get(reason) ?? 0) + count);
      for (const { reason } of leftOut) reject(reason, 1);
      for (const count of counts) {
        stored += count.stored ?? 0;
        met += count.merged ?? 0;
        for (const [reason, n] of Object.entries(count.rejected ?? {})) reject(reason, n);
      }
      add('stored', '', stored);
      add('merged', '', met);
      for (const [reason, count] of rejected) add('rejected', reason, count);
    },
  };
}
