import type { DatabaseSync } from 'node:sqlite';
import { createJobFile } from './job-file.ts';
import { createJobStore, type JobStore } from './job-store.ts';
import { createJobTable, type JobTable } from './job-table.ts';

export type JobOperations = JobStore & JobTable;

export function createOperations(database: DatabaseSync): JobOperations {
  const file = createJobFile(database);
  return { ...createJobStore(file), ...createJobTable(file) };
}

/** What the thread of the queues does: each operation by name, with its arguments. */
export function createProcedures(database: DatabaseSync) {
  const operations = Object.entries(createOperations(database)) as [string, (...args: never) => unknown][];
  return Object.fromEntries(
    operations.map(([name, operation]) => [`jobs.${name}`, (args: readonly never[]) => operation(...(args as never))]),
  );
}
