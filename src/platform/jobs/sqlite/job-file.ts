import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { commonErrors } from '#kernel/errors.ts';

/** How long a statement waits for another process to finish its write. */
const BUSY_TIMEOUT_MS = 2_000;
/** SQLite primary result codes: BUSY, LOCKED, IOERR, FULL, CANTOPEN. https://www.sqlite.org/rescode.html */
const UNAVAILABLE_CODES = [5, 6, 10, 13, 14];

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

/** The file of the queues. Calls are short and run on the calling thread. */
export interface JobFile {
  open(): void;
  close(): void;
  readonly isOpen: boolean;
  /**
   * All of `work` or nothing. `on disk`: survives the loss of power when it returns. `soon`: survives the end of the
   * process; for what happens again by itself if it was lost.
   * @throws AppError `unavailable` when the file is locked, full or unreadable; nothing was changed then
   */
  write<T>(durability: Durability, work: (database: DatabaseSync) => T): T;
  /** @throws AppError `unavailable` */
  read<T>(work: (database: DatabaseSync) => T): T;
  /** A number that changes with the commits of other connections. Costs next to nothing. */
  othersVersion(): number;
}

/** @param file a path, whose folder is created 0700, or `:memory:` */
export function createJobFile(file: string): JobFile {
  let opened: DatabaseSync | undefined;

  function database(): DatabaseSync {
    if (opened === undefined) throw commonErrors.unavailable({ detail: 'The job queue is not running.' });
    return opened;
  }

  return {
    open() {
      if (opened !== undefined) return;
      let candidate: DatabaseSync | undefined;
      try {
        if (file !== ':memory:') mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
        candidate = new DatabaseSync(file, { timeout: BUSY_TIMEOUT_MS });
        candidate.exec('PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL');
        prepareSchema(candidate);
        opened = candidate;
      } catch (error) {
        candidate?.close();
        throw commonErrors.unavailable({
          detail: `The job queue ${file} cannot be opened: ${error instanceof Error ? error.message : String(error)}`,
          cause: error,
        });
      }
    },
    close() {
      opened?.close();
      opened = undefined;
    },
    get isOpen() {
      return opened !== undefined;
    },
    write: (durability, work) => known(() => transaction(database(), durability, work)),
    read: (work) => known(() => work(database())),
    othersVersion: () =>
      (database().prepare('PRAGMA data_version').get() as { readonly data_version: number }).data_version,
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

function known<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    const code = (error as { readonly errcode?: number } | null)?.errcode ?? 0;
    if (!UNAVAILABLE_CODES.includes(code & 0xff)) throw error;
    throw commonErrors.unavailable({ detail: 'The job queue is busy or away.', cause: error });
  }
}
