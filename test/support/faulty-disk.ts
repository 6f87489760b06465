import { execFileSync } from 'node:child_process';
import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { describe } from 'vitest';
import { temporaryFolder } from './folders.ts';
import type { ServerSettings } from './server-process.ts';
import { findProgram } from './servers/private-process.ts';
import { leaveOut } from './servers.ts';

/** A disk that can be made slow, full or broken while a server uses it. */
export interface FaultyDisk {
  /** To be started with, beside its settings. */
  readonly env: ServerSettings;
  /** What is not named works. */
  behave(how: { readonly syncDelayMs?: number; readonly isFull?: boolean; readonly failsReading?: boolean }): void;
  remove(): void;
}

const COMPILER = process.platform === 'linux' ? await findProgram('gcc') : null;

/** `describe` where such a disk can be made, which takes Linux and a C compiler; else as `describeWithServer`. */
export function describeFaultyDisk(name: string, tests: () => void): void {
  if (COMPILER !== null) describe(name, tests);
  else leaveOut(name, ['faulty disk'], 'a faulty disk needs Linux and gcc: npm run services:install');
}

/** @param folder the databases in it are on that disk */
export function createFaultyDisk(folder: string): FaultyDisk {
  const own = temporaryFolder();
  const library = join(own.path, 'faulty-disk.so');
  const source = join(import.meta.dirname, 'faulty-disk.c');
  execFileSync(COMPILER ?? 'cc', ['-shared', '-fPIC', '-O1', '-w', '-o', library, source, '-ldl']);
  const state = join(own.path, 'state');
  const file = openSync(state, 'w+');
  const disk: FaultyDisk = {
    env: { LD_PRELOAD: library, FAULTY_DISK: state, FAULTY_DISK_FOLDER: folder },
    behave({ syncDelayMs = 0, isFull = false, failsReading = false }) {
      writeSync(file, new Int32Array([syncDelayMs, Number(isFull), Number(failsReading)]), 0, undefined, 0);
    },
    remove() {
      closeSync(file);
      own.remove();
    },
  };
  disk.behave({});
  return disk;
}
