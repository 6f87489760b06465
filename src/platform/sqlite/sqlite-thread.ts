import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { type Transferable, Worker } from 'node:worker_threads';
import { commonErrors } from '#kernel/errors.ts';
import type { Component } from '#kernel/lifecycle.ts';
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
}

interface PendingCall {
  readonly resolve: (value: never) => void;
  readonly reject: (error: Error) => void;
}

export function createSqliteThread({ name, file, mode, procedures }: SqliteThreadOptions): SqliteThread {
  const pending = new Map<number, PendingCall>();
  let worker: Worker | undefined;
  let nextId = 0;

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

  function failAll(cause: Error): void {
    worker = undefined;
    for (const call of pending.values()) call.reject(commonErrors.unavailable({ detail: 'The store is away.', cause }));
    pending.clear();
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
      const settings: ThreadSettings = { file, mode, procedures: procedures.map(String) };
      worker = new Worker(new URL('./sqlite-thread.worker.ts', import.meta.url), { workerData: settings, name });
      worker.on('message', settle);
      worker.on('error', failAll);
      worker.on('exit', () => failAll(new Error(`the ${name} thread has ended`)));
      await call('open', undefined).catch((cause: Error) => {
        throw commonErrors.unavailable({ detail: `${file} cannot be opened: ${cause.message}`, cause });
      });
    },
    async stop() {
      const stopping = worker;
      if (stopping === undefined) return;
      await call('close', undefined).catch(() => {});
      await stopping.terminate();
    },
    call,
  };
}
