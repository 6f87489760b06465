import { readdirSync, readFileSync, statSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';

/** What Linux knows about a process: no agent inside it, so measuring costs it nothing. */

const TICKS_PER_SECOND = 100;

/** CPU time of a process so far, user and system, all threads, in seconds. */
export function cpuSeconds(pid: number): number {
  const fields = statFields(pid);
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** CPU time of this process and of all its children that have ended, in seconds. */
export function ownCpuSeconds(): number {
  const fields = statFields(process.pid);
  return [11, 12, 13, 14].reduce((sum, field) => sum + Number(fields[field]), 0) / TICKS_PER_SECOND;
}

/** CPU time that all programs on this machine have used since it started, in seconds. */
export function machineCpuSeconds(): number {
  return cpus().reduce((sum, { times }) => sum + times.user + times.nice + times.sys + times.irq, 0) / 1000;
}

export function residentMegabytes(pid: number): number {
  return statusMegabytes(pid, 'VmRSS');
}

/** The most that was ever resident. */
export function peakResidentMegabytes(pid: number): number {
  return statusMegabytes(pid, 'VmHWM');
}

/** The process itself or the one below it whose command line contains `text`. */
export function findProcess(pid: number, text: string): number | undefined {
  // As an argument of its own: the shell in between has the whole command as one.
  if (readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes(text)) return pid;
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean);
  for (const child of children) {
    const found = findProcess(Number(child), text);
    if (found !== undefined) return found;
  }
  return undefined;
}

export function folderBytes(folder: string): number {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
}

/** `/proc/{pid}/stat` from its third field on, which is the first after the name. */
function statFields(pid: number): readonly string[] {
  return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
}

function statusMegabytes(pid: number, field: string): number {
  const kilobytes = new RegExp(`${field}:\\s+(\\d+) kB`).exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kilobytes) / 1024;
}
