import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { MachineFacts } from './machine.ts';
import { type Spread, spreadOf } from './spread.ts';

/** What a scenario returns: its figures, and the proofs that it measured what it says. */
export interface Report {
  readonly figures: readonly Figure[];
  readonly proofs: readonly Proof[];
  /** What a reader has to know of this run. */
  readonly notes?: readonly string[];
}

export interface Figure extends Spread {
  readonly name: string;
  readonly unit: string;
  /** One value a round, in order. */
  readonly rounds: readonly number[];
  readonly target?: Target;
  readonly met?: boolean;
}

export type Target = { readonly atLeast: number } | { readonly below: number };

/** A proof that does not hold makes all figures of the run worthless. */
export interface Proof {
  readonly claim: string;
  readonly holds: boolean;
}

export function figure(name: string, unit: string, rounds: readonly number[], target?: Target): Figure {
  const spread = spreadOf(rounds);
  const plain = { name, unit, rounds, ...spread };
  if (target === undefined) return plain;
  return {
    ...plain,
    target,
    met: 'atLeast' in target ? spread.median >= target.atLeast : spread.median < target.below,
  };
}

export interface Result {
  readonly name: string;
  readonly options: Readonly<Record<string, number>>;
  readonly machine: MachineFacts & { readonly others_used_cores: number };
  readonly report: Report;
}

/** Prints a result as a table and writes it to `bench/results/{name}.json`. */
export function publish({ name, options, machine, report }: Result): void {
  const folder = join(import.meta.dirname, '..', 'results');
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${name.replace(' --profile ', '-')}.json`);
  writeFileSync(file, `${JSON.stringify({ name, options, machine, ...report }, null, 2)}\n`);
  print(`\n${table(report.figures.map(row))}\n`);
  for (const { claim, holds } of report.proofs) print(`${holds ? 'proved' : 'DISPROVED'}: ${claim}`);
  for (const note of [...(report.notes ?? []), ...doubts(machine)]) print(`note: ${note}`);
  print(`\n${machine.cores} × ${machine.cpu}, fsync ${machine.fsync_ms} ms, node ${machine.node}, ${machine.commit}`);
  print(file);
}

/** What a reader should know before believing the figures. */
function doubts({ others_used_cores: others, data_on_tmpfs: onTmpfs }: Result['machine']): string[] {
  const notes: string[] = [];
  if (others > BUSY_CORES) notes.push(`other programs used ${others} cores meanwhile: repeat it on a quiet machine`);
  if (onTmpfs) notes.push('the data lies on tmpfs, where fsync costs nothing: do not compare ingest figures');
  return notes;
}

const BUSY_CORES = 0.2;

/** What is going on, on stderr: stdout is the result. */
export function progress(text: string): void {
  process.stderr.write(`${text}\n`);
}

export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

export function readable(value: number): string {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

function row({ name, unit, median, min, max, rounds, target, met }: Figure): string[] {
  const spread = rounds.length > 1 ? `${readable(min)} … ${readable(max)}` : '';
  if (target === undefined) return [name, readable(median), unit, spread, ''];
  const wanted = 'atLeast' in target ? `≥ ${target.atLeast}` : `< ${target.below}`;
  return [name, readable(median), unit, spread, `${wanted} ${met ? 'met' : 'MISSED'}`];
}

function table(rows: readonly string[][]): string {
  const all = [['', 'median', 'unit', 'rounds from … to', 'target'], ...rows];
  const widths = all[0]?.map((_, column) => Math.max(...all.map((cells) => cells[column]?.length ?? 0))) ?? [];
  const isNumber = (column: number) => column === 1;
  return all
    .map((cells) =>
      cells
        .map((cell, column) =>
          isNumber(column) ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
