import { type Transferable, Worker } from 'node:worker_threads';
import { commonErrors } from '#kernel/errors.ts';
import type { Logger } from '#kernel/logger.ts';
import type { SqliteError } from './sqlite-errors.ts';
import type { FileSettings, ThreadReply, ThreadRequest } from './sqlite-thread.worker.ts';

/**
 * The worker thread that SQLite files are on. Each file has a connection of its own; calls of all of them run one after
 * the other, so files whose commits may wait for each other can share one: a thread costs some 8 MB.
 */
export interface SqliteHost {
  /** Opens a file; the first one starts the thread. @throws `SqliteCallError`, or AppError `unavailable` */
  attach(settings: FileSettings): Promise<void>;
  /** Closes a file after the calls before it; with the last one the thread ends. */
  detach(file: string): Promise<void>;
  /** @throws `SqliteCallError`, or AppError `unavailable`: the thread is not running */
  send<T>(file: string, procedure: string, argument: unknown, transfer?: readonly Transferable[]): Promise<T>;
}

/** What a procedure failed with, as the thread tells it. */
export class SqliteCallError extends Error {
  readonly told: SqliteError;
  constructor(told: SqliteError) {
    super(told.message);
    this.name = 'SqliteCallError';
    this.told = told;
  }
}

const RESTART_AFTER_MS = 500;

interface PendingCall {
  readonly resolve: (value: never) => void;
  readonly reject: (error: Error) => void;
}

export function createSqliteHost(name: string, logger: Logger): SqliteHost {
  const pending = new Map<number, PendingCall>();
  const files = new Map<string, FileSettings>();
  let worker: Worker | undefined;
  let nextId = 0;
  let restart: NodeJS.Timeout | undefined;

  function settle(reply: ThreadReply): void {
    const call = pending.get(reply.id);
    if (call === undefined) return;
    pending.delete(reply.id);
    if (reply.ok) call.resolve(reply.value as never);
    else call.reject(new SqliteCallError(reply.error));
  }

  /** A thread that ended by itself (a bug, memory) is replaced; until then its calls are unavailable. */
  function ended(cause: Error): void {
    worker = undefined;
    for (const call of pending.values()) call.reject(commonErrors.unavailable({ detail: 'The store is away.', cause }));
    pending.clear();
    if (files.size === 0) return;
    logger.error({ err: cause, thread: name }, 'a store thread ended; it is started again');
    restart = setTimeout(() => {
      begin();
      // The end of this one starts the next try.
      Promise.all([...files.values()].map(open)).catch(() => worker?.terminate());
    }, RESTART_AFTER_MS);
  }

  function begin(): void {
    const thread = new Worker(new URL('./sqlite-thread.worker.ts', import.meta.url), { name });
    let failure: Error | undefined;
    worker = thread;
    thread.on('message', settle);
    thread.on('error', (error: Error) => {
      failure = error;
    });
    thread.on('exit', () => {
      if (worker === thread) ended(failure ?? new Error(`the ${name} thread has ended`));
    });
  }

  const open = (settings: FileSettings) => send<void>(settings.file, 'open', settings);

  function send<T>(file: string, procedure: string, argument: unknown, transfer?: readonly Transferable[]): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (worker === undefined || !files.has(file)) {
        reject(commonErrors.unavailable({ detail: 'The store is not running.' }));
        return;
      }
      const id = nextId++;
      pending.set(id, { resolve: resolve as PendingCall['resolve'], reject });
      worker.postMessage({ id, file, procedure, argument } satisfies ThreadRequest, transfer as Transferable[]);
    });
  }

  async function endThread(): Promise<void> {
    clearTimeout(restart);
    const thread = worker;
    worker = undefined;
    await thread?.terminate();
  }

  return {
    send,
    async attach(settings) {
      if (files.size === 0) begin();
      files.set(settings.file, settings);
      try {
        await open(settings);
      } catch (error) {
        files.delete(settings.file);
        if (files.size === 0) await endThread();
        throw error;
      }
    },
    async detach(file) {
      if (!files.has(file)) return;
      await send(file, 'close', undefined).catch(() => {});
      files.delete(file);
      if (files.size === 0) await endThread();
    },
  };
}
