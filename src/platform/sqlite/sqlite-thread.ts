import { type Transferable, Worker } from 'node:worker_threads';
import { commonErrors } from '#kernel/errors.ts';
import type { Component } from '#kernel/lifecycle.ts';
import type { Logger } from '#kernel/logger.ts';
import { cannotOpen, troubleOf } from './sqlite-errors.ts';
import { preparePrivateFile } from './sqlite-file.ts';
import { createFileHealth } from './sqlite-health.ts';
import type { ThreadReply, ThreadRequest, ThreadSettings } from './sqlite-thread.worker.ts';

/**
 * One SQLite file on a thread of its own, so that neither an fsync nor a long query ever holds the event
 * loop that serves devices and people. Calls run one after the other, in the order in which they were made.
 */
export interface SqliteThread extends Component {
  /**
   * Runs a procedure of one of the thread's procedure files.
   * @throws AppError `unavailable` when the file is locked, full or unreadable; nothing was changed then. Any other
   * error of SQLite has its `errcode`
   */
  call<T>(procedure: string, argument: unknown, transfer?: readonly Transferable[]): Promise<T>;
  /** Waits for the calls before it. @throws AppError `unavailable`, see `assertUsable` */
  ping(): Promise<void>;
  /**
   * Asks nobody. @throws AppError `unavailable` from a call that failed for the sake of the disk until it works again:
   * a `read` thread repeats that call, a `write` thread writes a page
   */
  assertUsable(): void;
}

export interface SqliteThreadOptions {
  readonly name: string;
  /** Made 0600, its folder 0700. */
  readonly file: string;
  /** A `read` thread sees the last commit of the `write` thread and can change nothing. */
  readonly mode: 'write' | 'read';
  /** Procedure files; each exports `createProcedures`, see `SqliteProcedures`. */
  readonly procedures: readonly URL[];
  readonly logger: Logger;
}

const RESTART_AFTER_MS = 500;

interface PendingCall {
  readonly procedure: string;
  readonly argument: unknown;
  readonly resolve: (value: never) => void;
  readonly reject: (error: Error) => void;
}

export function createSqliteThread({ name, file, mode, procedures, logger }: SqliteThreadOptions): SqliteThread {
  const pending = new Map<number, PendingCall>();
  let worker: Worker | undefined;
  let nextId = 0;
  let stopping = true;
  let restart: NodeJS.Timeout | undefined;
  const health = createFileHealth(file, logger);

  function settle(reply: ThreadReply): void {
    const call = pending.get(reply.id);
    if (call === undefined) return;
    pending.delete(reply.id);
    if (reply.ok) {
      call.resolve(reply.value as never);
      return;
    }
    const { message, errcode } = reply.error;
    const trouble = troubleOf(file, reply.error);
    if (trouble === null) {
      call.reject(Object.assign(new Error(`${name}: ${message}`), errcode === 0 ? {} : { errcode }));
      return;
    }
    health.failed(trouble, () => (mode === 'read' ? send(call.procedure, call.argument) : send('probe', undefined)));
    call.reject(trouble.toAppError());
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
    await send('open', undefined);
  }

  function send<T>(procedure: string, argument: unknown, transfer?: readonly Transferable[]): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (worker === undefined) {
        reject(commonErrors.unavailable({ detail: 'The store is not running.' }));
        return;
      }
      const id = nextId++;
      pending.set(id, { procedure, argument, resolve: resolve as PendingCall['resolve'], reject });
      worker.postMessage({ id, procedure, argument } satisfies ThreadRequest, transfer as Transferable[]);
    });
  }

  return {
    name,
    async start() {
      stopping = false;
      try {
        preparePrivateFile(file);
        await open();
      } catch (error) {
        stopping = true;
        throw cannotOpen(file, error);
      }
    },
    async stop() {
      stopping = true;
      clearTimeout(restart);
      health.close();
      const thread = worker;
      if (thread === undefined) return;
      await send('close', undefined).catch(() => {});
      await thread.terminate();
    },
    call: send,
    async ping() {
      health.assertUsable();
      await send('ping', undefined);
    },
    assertUsable: health.assertUsable,
  };
}
