import type { DatabaseSync } from 'node:sqlite';

/**
 * `due_at` orders what waits; `claims` counts how often a job was taken and so tells the current holder from a former
 * one. Times are epoch milliseconds.
 */
const SCHEMA = `
CREATE TABLE IF NOT EXISTS jobs (
  seq INTEGER PRIMARY KEY,
  queue TEXT NOT NULL,
  id TEXT NOT NULL,
  name TEXT NOT NULL,
  data TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('waiting', 'running', 'done', 'failed')),
  due_at INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  failures INTEGER NOT NULL DEFAULT 0,
  losses INTEGER NOT NULL DEFAULT 0,
  claims INTEGER NOT NULL DEFAULT 0,
  owner TEXT,
  lease_until INTEGER,
  scheduled_for INTEGER,
  created_at INTEGER NOT NULL,
  started_at INTEGER,
  finished_at INTEGER,
  progress TEXT,
  result TEXT,
  error TEXT,
  UNIQUE (queue, id)
) STRICT;
CREATE INDEX IF NOT EXISTS jobs_by_due ON jobs (queue, state, due_at, seq);
CREATE INDEX IF NOT EXISTS jobs_by_finish ON jobs (queue, state, finished_at) WHERE finished_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS jobs_by_lease ON jobs (lease_until) WHERE lease_until IS NOT NULL;
CREATE TABLE IF NOT EXISTS schedules (
  name TEXT PRIMARY KEY,
  expression TEXT NOT NULL,
  last_tick INTEGER NOT NULL
) STRICT;`;

const VERSION = 1;

export type Durability = 'on disk' | 'soon';

/** The file of the queues, where it is open. Throws errors of SQLite as they are; nothing was changed then. */
export interface JobFile {
  /**
   * All of `work` or nothing. `on disk`: survives the loss of power when it returns. `soon`: survives the end of the
   * process; for what happens again by itself if it was lost.
   */
  write<T>(durability: Durability, work: (database: DatabaseSync) => T): T;
  read<T>(work: (database: DatabaseSync) => T): T;
}

/** Makes the tables where they are missing. @throws Error when a newer version of the program has made them */
export function createJobFile(database: DatabaseSync): JobFile {
  prepareSchema(database);
  return {
    write: (durability, work) => transaction(database, durability, work),
    read: (work) => work(database),
  };
}

function prepareSchema(database: DatabaseSync): void {
  const current = (database.prepare('PRAGMA user_version').get() as { readonly user_version: number }).user_version;
  if (current > VERSION) throw new Error(`it was written by a newer version of the program (schema ${current})`);
  if (current === VERSION) return;
  // Another process may be doing the same; both end with the same tables.
  database.exec(`BEGIN IMMEDIATE; ${SCHEMA} PRAGMA user_version=${VERSION}; COMMIT`);
}

function transaction<T>(database: DatabaseSync, durability: Durability, work: (database: DatabaseSync) => T): T {
  database.exec(`PRAGMA synchronous=${durability === 'on disk' ? 'FULL' : 'NORMAL'}; BEGIN IMMEDIATE`);
  try {
    const result = work(database);
    database.exec('COMMIT');
    return result;
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}
