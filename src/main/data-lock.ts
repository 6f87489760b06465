import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Component } from '#kernel/lifecycle.ts';
import { preparePrivateFile } from '#platform/sqlite/sqlite-file.ts';
import { StartError } from './start-error.ts';

/**
 * One server a data folder. The lock is SQLite's own on an empty file, so the operating system lifts it
 * when the process ends, however that happens; commands beside the server do not take it.
 */
export function createDataLock(folder: string): Component {
  let lock: DatabaseSync | undefined;
  return {
    name: 'data folder',
    async start() {
      try {
        const file = join(folder, 'server.lock');
        preparePrivateFile(file);
        lock = new DatabaseSync(file, { timeout: 0 });
        lock.exec('PRAGMA locking_mode=EXCLUSIVE; BEGIN EXCLUSIVE');
      } catch (error) {
        lock?.close();
        lock = undefined;
        if (/database is locked/.test(String(error))) {
          throw new StartError(`DATA_DIR ${folder} is in use by another server; stop it or choose another folder.`);
        }
        throw new StartError(`DATA_DIR ${folder} cannot be written: ${(error as Error).message}`);
      }
    },
    async stop() {
      lock?.close();
      lock = undefined;
    },
  };
}
