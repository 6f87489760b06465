import { DatabaseSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';

/** What a procedure file exports as `createProcedures`. Called once, after the file was opened. */
export type SqliteProcedures = (
  database: DatabaseSync,
  mode: 'write' | 'read',
) => Readonly<Record<string, (argument: never) => unknown>>;

export interface ThreadSettings {
  readonly file: string;
  readonly mode: 'write' | 'read';
  readonly procedures: readonly string[];
}

export interface ThreadRequest {
  readonly id: number;
  readonly procedure: string;
  readonly argument: unknown;
}

export type ThreadReply =
  | { readonly id: number; readonly ok: true; readonly value: unknown }
  | { readonly id: number; readonly ok: false; readonly unavailable: boolean; readonly error: string };

/** After this long behind another process's lock a call fails as unavailable, and its caller decides. */
const BUSY_TIMEOUT_MS = 2_000;

/** Primary result codes after which nothing was changed and a later try may succeed: BUSY, LOCKED, IOERR, FULL, CANTOPEN. */
const UNAVAILABLE_CODES = [5, 6, 10, 13, 14];

const { file, mode, procedures } = workerData as ThreadSettings;
const port = parentPort;
if (port === null) throw new Error('this file runs as a worker thread');

let database: DatabaseSync | undefined;
const table: Record<string, (argument: never) => unknown> = Object.create(null);

async function open(): Promise<void> {
  const opened = new DatabaseSync(file, { timeout: BUSY_TIMEOUT_MS });
  // A larger WAL between checkpoints writes each hot page fewer times into the database file.
  opened.exec(
    'PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=4000; PRAGMA cache_size=-32000',
  );
  if (mode === 'read') opened.exec('PRAGMA query_only=1');
  for (const url of procedures) {
    const loaded = (await import(url)) as { createProcedures: SqliteProcedures };
    Object.assign(table, loaded.createProcedures(opened, mode));
  }
  database = opened;
}

port.on('message', async ({ id, procedure, argument }: ThreadRequest) => {
  try {
    let value: unknown;
    if (procedure === 'open') await open();
    else if (procedure === 'close') database?.close();
    else {
      const run = table[procedure];
      if (run === undefined) throw new Error(`unknown procedure ${procedure}`);
      value = run(argument as never);
    }
    port.postMessage({ id, ok: true, value } satisfies ThreadReply);
  } catch (error) {
    const code = (error as { errcode?: number }).errcode ?? 0;
    const unavailable = UNAVAILABLE_CODES.includes(code & 0xff);
    port.postMessage({ id, ok: false, unavailable, error: String(error) } satisfies ThreadReply);
  }
});
