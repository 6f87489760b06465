import { setPriority } from 'node:os';
import { DatabaseSync } from 'node:sqlite';
import { type MessagePort, parentPort } from 'node:worker_threads';
import { collectGarbage } from '#kernel/garbage.ts';
import { type SqliteError, toSqliteError } from './sqlite-errors.ts';

/** What a procedure file exports as `createProcedures`. Called once, after the file was opened. */
export type SqliteProcedures = (
  database: DatabaseSync,
  mode: 'write' | 'read',
) => Readonly<Record<string, (argument: never) => unknown>>;

interface ProcedureFile {
  readonly createProcedures: SqliteProcedures;
  /** For what has to be set before there is a table, or counts for nothing. */
  readonly prepareFile?: (database: DatabaseSync) => void;
}

export interface FileSettings {
  readonly file: string;
  readonly mode: 'write' | 'read';
  readonly procedures: readonly string[];
}

export interface ThreadRequest {
  readonly id: number;
  /** Which of the files on this thread. */
  readonly file: string;
  readonly procedure: string;
  readonly argument: unknown;
}

export type ThreadReply =
  | { readonly id: number; readonly ok: true; readonly value: unknown }
  | { readonly id: number; readonly ok: false; readonly error: SqliteError };

/** After this long behind another process's lock a call fails as unavailable, and its caller decides. */
const BUSY_TIMEOUT_MS = 2_000;

/** A tenth of the processor time of who competes with it; everything while nobody does. */
const READER_NICENESS = 10;

/** Loading the procedures and making tables leaves some 2 MB of garbage in each thread. */
const SETTLE_AFTER_MS = 2_000;

interface OpenFile {
  readonly database: DatabaseSync;
  readonly procedures: ReadonlyMap<string, (argument: never) => unknown>;
}

async function open({ file, mode, procedures: urls }: FileSettings): Promise<OpenFile> {
  // On Linux a priority is the calling thread's: a long scan gives way to requests and commits.
  if (mode === 'read' && process.platform === 'linux') setPriority(0, READER_NICENESS);
  const database = new DatabaseSync(file, { timeout: BUSY_TIMEOUT_MS });
  const modules = await Promise.all(urls.map((url) => import(url) as Promise<ProcedureFile>));
  if (mode === 'write') for (const { prepareFile } of modules) prepareFile?.(database);
  // A larger WAL between checkpoints writes each hot page fewer times into the database file.
  database.exec(
    'PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=4000; PRAGMA cache_size=-32000',
  );
  if (mode === 'read') database.exec('PRAGMA query_only=1');
  const procedures = new Map<string, (argument: never) => unknown>();
  for (const { createProcedures } of modules) {
    for (const [name, procedure] of Object.entries(createProcedures(database, mode))) procedures.set(name, procedure);
  }
  return { database, procedures };
}

/** Writes one page as it is and waits for the disk: whether the file takes anything again. */
function probe(database: DatabaseSync): void {
  // What was written last may have waited for no disk.
  if (!database.isTransaction) database.exec('PRAGMA synchronous=FULL');
  const { user_version: version } = database.prepare('PRAGMA user_version').get() as { readonly user_version: number };
  database.exec(`PRAGMA user_version=${version}`);
}

function serve(port: MessagePort): void {
  const opened = new Map<string, OpenFile>();

  async function run({ file, procedure, argument }: ThreadRequest): Promise<unknown> {
    if (procedure === 'open') {
      opened.set(file, await open(argument as FileSettings));
      setTimeout(collectGarbage, SETTLE_AFTER_MS).unref();
      return undefined;
    }
    const its = opened.get(file);
    if (its === undefined) throw new Error('the file is not open');
    if (procedure === 'close') {
      opened.delete(file);
      its.database.close();
      return undefined;
    }
    if (procedure === 'ping') return its.database.prepare('SELECT 1').get();
    if (procedure === 'probe') return probe(its.database);
    const found = its.procedures.get(procedure);
    if (found === undefined) throw new Error(`unknown procedure ${procedure}`);
    return found(argument as never);
  }

  port.on('message', async (request: ThreadRequest) => {
    const { id } = request;
    try {
      const value = await run(request);
      port.postMessage({ id, ok: true, value } satisfies ThreadReply);
    } catch (error) {
      port.postMessage({ id, ok: false, error: toSqliteError(error) } satisfies ThreadReply);
    }
  });
}

if (parentPort !== null) serve(parentPort);
