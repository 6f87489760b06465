import { DatabaseSync } from 'node:sqlite';
import { defined } from '#kernel/defined.ts';
import { commonErrors } from '#kernel/errors.ts';
import type { Component } from '#kernel/lifecycle.ts';
import type { Logger } from '#kernel/logger.ts';
import type { SqliteHost } from '#platform/sqlite/sqlite-host.ts';
import { createSqliteThread, type SqliteThread } from '#platform/sqlite/sqlite-thread.ts';
import { createOperations, type JobOperations } from './jobs.procedures.ts';

export type Asynchronous<T> = {
  readonly [Name in keyof T]: T[Name] extends (...args: infer Args) => infer Result
    ? (...args: Args) => Promise<Result>
    : never;
};

/** The file of the queues from outside its thread. @throws AppError `unavailable` while it cannot be used */
export interface JobAccess extends Component {
  readonly operations: Asynchronous<JobOperations>;
  /** Between start and stop. */
  isOpen(): boolean;
  ping(): Promise<void>;
}

const NAMES: Readonly<Record<keyof JobOperations, true>> = {
  ...{ add: true, take: true, prolong: true, progress: true, done: true, failed: true, repeatAt: true },
  ...{ giveBack: true, heal: true, prune: true, keepSchedules: true, lastTicks: true, tick: true },
  ...{ counts: true, list: true, find: true, retry: true, promote: true, remove: true },
};
const PROCEDURES = new URL('./jobs.procedures.ts', import.meta.url);

/**
 * @param host the thread to run on, together with other files; its own without
 * @param file a path, made 0600 in a folder made 0700; or `:memory:`, then all of it is on the calling thread
 */
export function createJobAccess(file: string, logger: Logger, host?: SqliteHost): JobAccess {
  const way =
    file === ':memory:'
      ? inMemory()
      : createSqliteThread({
          ...{ name: 'jobs', file, mode: 'write', procedures: [PROCEDURES], logger },
          ...defined({ host }),
        });
  let isOpen = false;
  const names = Object.keys(NAMES) as readonly (keyof JobOperations)[];
  return {
    name: way.name,
    operations: Object.fromEntries(
      names.map((name) => [
        name,
        async (...args: readonly unknown[]) => {
          if (!isOpen) throw commonErrors.unavailable({ detail: 'The job queue is not running.' });
          return await way.call(`jobs.${name}`, args);
        },
      ]),
    ) as unknown as Asynchronous<JobOperations>,
    isOpen: () => isOpen,
    ping: () => way.ping(),
    async start(signal) {
      if (isOpen) return;
      await way.start?.(signal);
      isOpen = true;
    },
    async stop(signal) {
      isOpen = false;
      await way.stop?.(signal);
    },
  };
}

function inMemory(): Pick<SqliteThread, 'name' | 'start' | 'stop' | 'call' | 'ping'> {
  let database: DatabaseSync | undefined;
  let operations: Readonly<Record<string, (...args: never) => unknown>> = {};
  return {
    name: 'jobs',
    async start() {
      database = new DatabaseSync(':memory:');
      operations = createOperations(database) as never;
    },
    async stop() {
      database?.close();
      database = undefined;
    },
    async call<T>(procedure: string, args: unknown) {
      return operations[procedure.slice('jobs.'.length)]?.(...(args as never)) as T;
    },
    ping: async () => {},
  };
}
