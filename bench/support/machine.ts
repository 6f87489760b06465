import { execFileSync } from 'node:child_process';
import { closeSync, fsyncSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { cpus, release, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { machineCpuSeconds, ownCpuSeconds } from './linux.ts';
import { median } from './spread.ts';

export type MachineFacts = ReturnType<typeof machineFacts>;

/** Where and on what a result was measured; without it a figure says nothing. */
export function machineFacts() {
  return {
    at: new Date().toISOString(),
    commit: git('rev-parse', '--short', 'HEAD'),
    uncommitted_changes: git('status', '--porcelain') !== '',
    node: process.version,
    linux: release(),
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memory_gb: Math.round(totalmem() / 2 ** 30),
    data_on_tmpfs: statfsSync(tmpdir()).type === TMPFS,
    fsync_ms: fsyncMilliseconds(),
  };
}

/**
 * Cores that programs other than this benchmark used while `work` ran. All that `work` starts must have ended by
 * then: only so does its time count as ours.
 */
export async function withOthersUse<T>(work: () => Promise<T>): Promise<{ result: T; othersUsedCores: number }> {
  const before = { at: performance.now(), all: machineCpuSeconds(), own: ownCpuSeconds() };
  const result = await work();
  const others = machineCpuSeconds() - before.all - (ownCpuSeconds() - before.own);
  const seconds = (performance.now() - before.at) / 1000;
  return { result, othersUsedCores: Math.max(0, Math.round((others / seconds) * 100) / 100) };
}

const TMPFS = 0x01021994;

/** Median of 21 appends of 4 KiB to a file where the data folders of the benchmarks are. */
function fsyncMilliseconds(): number {
  const file = join(tmpdir(), `core-api-bench-fsync-${process.pid}`);
  const descriptor = openSync(file, 'w');
  const block = Buffer.alloc(4096);
  const times = Array.from({ length: 21 }, () => {
    writeSync(descriptor, block);
    const before = performance.now();
    fsyncSync(descriptor);
    return performance.now() - before;
  });
  closeSync(descriptor);
  rmSync(file);
  return Math.round(median(times) * 100) / 100;
}

function git(...args: string[]): string {
  try {
    return execFileSync('git', args, { cwd: import.meta.dirname, encoding: 'utf8' }).trim();
  } catch {
    return 'unknown';
  }
}
