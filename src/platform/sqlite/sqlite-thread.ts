import type { Transferable } from 'node:worker_threads';
import { commonErrors } from '#kernel/errors.ts';
import type { Component } from '#kernel/lifecycle.ts';
import type { Logger } from '#kernel/logger.ts';
import { cannotOpen, troubleOf } from './sqlite-errors.ts';
import { preparePrivateFile } from './sqlite-file.ts';
import { createFileHealth } from './sqlite-health.ts';
import { createSqliteHost, SqliteCallError, type SqliteHost } from './sqlite-host.ts';

/**
 * One SQLite file on a thread beside that of the caller, its own unless a `host` is given, so that neither an fsync nor a long query ever holds the event
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
  /** Whether the thread waits for its first call: one that nobody needs costs some 8 MB. Default: it starts at once. */
  readonly isLazy?: boolean;
  /** The thread to run on, together with other files. A `read` thread has a lower priority: it shares none with writers. */
  readonly host?: SqliteHost;
}

export function createSqliteThread(options: SqliteThreadOptions): SqliteThread {
  const { name, file, mode, procedures, logger } = options;
  const host = options.host ?? createSqliteHost(name, logger);
  const health = createFileHealth(file, logger);
  let isRunning = false;
  let attaching: Promise<void> | undefined;

  async function attach(): Promise<void> {
    if (!isRunning) throw commonErrors.unavailable({ detail: 'The store is not running.' });
    attaching ??= host.attach({ file, mode, procedures: procedures.map(String) }).catch((error: unknown) => {
      attaching = undefined;
      throw error;
    });
    await attaching;
  }

  async function call<T>(procedure: string, argument: unknown, transfer?: readonly Transferable[]): Promise<T> {
    try {
      // Each call, or a later one would overtake those that wait for the first.
      if (options.isLazy === true) await attach();
      return await host.send<T>(file, procedure, argument, transfer);
    } catch (error) {
      throw told(error, procedure, argument);
    }
  }

  /** What the caller is told of a failure; one of the disk is noted, and tried again until it works. */
  function told(error: unknown, procedure: string, argument: unknown): unknown {
    if (!(error instanceof SqliteCallError)) return error;
    const { message, errcode } = error.told;
    const trouble = troubleOf(file, error.told);
    if (trouble === null) return Object.assign(new Error(`${name}: ${message}`), errcode === 0 ? {} : { errcode });
    health.failed(trouble, async () => {
      await attach();
      return mode === 'read' ? host.send(file, procedure, argument) : host.send(file, 'probe', undefined);
    });
    return trouble.toAppError();
  }

  return {
    name,
    async start() {
      try {
        preparePrivateFile(file);
        isRunning = true;
        if (options.isLazy !== true) await attach();
      } catch (error) {
        throw cannotOpen(file, told(error, 'open', undefined));
      }
    },
    async stop() {
      isRunning = false;
      health.close();
      await attaching?.catch(() => {});
      attaching = undefined;
      await host.detach(file);
    },
    call,
    async ping() {
      health.assertUsable();
      if (attaching !== undefined) await call('ping', undefined);
    },
    assertUsable: health.assertUsable,
  };
}
