import { chmodSync, closeSync, openSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { createFolder, syncFolder } from '#kernel/folders.ts';

const OTHERS = 0o077;

/**
 * Makes a database file, and its folder, readable by their owner alone, whatever the umask and the rights of a folder
 * that was there before. SQLite gives the files beside it (-wal, -shm) the rights of the file; those that are there
 * with wider rights lose them. A file that is there is not opened: closing it would lift SQLite's locks on it.
 * @throws the error of the operating system, when folder or file cannot be made
 */
export function preparePrivateFile(file: string): void {
  createFolder(dirname(file));
  try {
    closeSync(openSync(file, 'wx', 0o600));
    syncFolder(dirname(file));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  for (const path of [file, `${file}-wal`, `${file}-shm`]) {
    const mode = statSync(path, { throwIfNoEntry: false })?.mode;
    if (mode !== undefined && (mode & OTHERS) !== 0) withdraw(path, mode);
  }
}

/** A file of another owner stays as it is, and so it does where there are no such rights; `doctor` tells. */
function withdraw(path: string, mode: number): void {
  try {
    chmodSync(path, mode & ~OTHERS & 0o777);
  } catch {}
}
