import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { type Transferable, Worker } from 'node:worker_threads';
import { commonErrors } from '#kernel/errors.ts';
import type { Component } from '#kernel/lifecycle.ts';
import type { Logger } from '#kernel/logger.ts';
import type { ThreadReply, ThreadRequest, ThreadSettings } from './sqlite-thread.worker.ts';

/**
 * One SQLite file on a thread of its own, so that neither an fsync nor a long query ever holds the event
 * loop that serves devices and people. Calls run one after the other, in the order in which they were made.
 */
export interface SqliteThread extends Component {
  /**
   * Runs a procedure of one of the thread's procedure files.
   * @throws AppError `unavailable` when the file is locked, full or unreadable; nothing was changed then
   */
  call<T>(procedure: string, argument: unknown, transfer?: readonly Transferable[]): Promise<T>;
}

export interface SqliteThreadOptions {
  readonly name: string;
  /** Its folder is created 0700. */
  readonly file: string;
  /** A `read` thread sees the last commit of the `write` thread and can change nothing. */
  readonly mode: 'write' | 'read';
  /** Procedure files; each exports `createProcedures`, see `SqliteProcedures`. */
  readonly procedures: readonly URL[];
  readonly logger: Logger;
}

const RESTART_AFTER_MS = 500;

interface PendingCall {
  readonly resolve: (value: never) => void;
  readonly reject: (error: Error) => void;
}

export function createSqliteThread({ name, file, mode, procedures, logger }: SqliteThreadOptions): SqliteThread {
  const pending = new Map<number, PendingCall>();
  let worker: Worker | undefined;
  let nextId = 0;
  let stopping = true;
  let restart: NodeJS.Timeout | undefined;

  function settle(reply: ThreadReply): void {
    const call = pending.get(reply.id);
    if (call === undefined) return;
    pending.delete(reply.id);
    if (reply.ok) {
      call.resolve(reply.value as never);
    } else if (reply.unavailable) {
      call.reject(commonErrors.unavailable({ detail: 'The store is busy or away.', cause: reply.error }));
    } else {
      call.reject(new Error(`${name}: ${reply.error}`));
    }
  }

  /** A thread that ended by itself (a bug, memory) is replaced; until then its calls are unavailable. */
  function ended(cause: Error): void {
    worker = undefined;
    for (const call of pending.values()) call.reject(commonErrors.unavailable({ detail: 'The store is away.', cause }));
    pending.clear();
    if (stopping) return;
    logger.error({ err: cause, thread: name }, 'a store thread ended; it is started again');
    restart = setTimeout(() => {
      // Its end starts the next try.
      open().catch(() => worker?.terminate());
    }, RESTART_AFTER_MS);
  }

  async function open(): Promise<void> {
    const settings: ThreadSettings = { file, mode, procedures: procedures.map(String) };
    const thread = new Worker(new URL('./sqlite-thread.worker.ts', import.meta.url), { workerData: settings, name });
    let failure: Error | undefined;
    worker = thread;
    thread.on('message', settle);
    thread.on('error', (error: Error) => {
      failure = error;
    });
    thread.on('exit', () => {
      if (worker === thread) ended(failure ?? new Error(`the ${name} thread has ended`));
    });
    await call('open', undefined);
  }

  function call<T>(procedure: string, argument: unknown, transfer?: readonly Transferable[]): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (worker === undefined) {
        reject(commonErrors.unavailable({ detail: 'The store is not running.' }));
        return;
      }
      const id = nextId++;
      pending.set(id, { resolve: resolve as PendingCall['resolve'], reject });
      worker.postMessage({ id, procedure, argument } satisfies ThreadRequest, transfer as Transferable[]);
    });
  }

  return {
    name,
    async start() {
      mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
      stopping = false;
      await open().catch((cause: Error) => {
        stopping = true;
        throw commonErrors.unavailable({ detail: `${file} cannot be opened: ${cause.message}`, cause });
      });
    },
    async stop() {
      stopping = true;
      clearTimeout(restart);
      const thread = worker;
      if (thread === undefined) return;
      await call('close', undefined).catch(() => {});
      await thread.terminate();
    },
    call,
  };
}
