import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';

/** A tool that cannot be had here, because its registry is away: said, and no failure. */
export class Skipped extends Error {}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
}

/** Runs a program to its end. @throws with what it has written when it fails or takes too long */
export async function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const { cwd, env = {}, timeoutMs = 240_000 } = options;
  const child = spawn(program, args, {
    ...(cwd === undefined ? {} : { cwd }),
    env: { ...process.env, ...QUIET, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (part) => (output += String(part)));
  const code = await new Promise<number | null>((resolve) => {
    child.on('error', (error) => {
      output += String(error);
      resolve(null);
    });
    child.on('close', resolve);
  });
  if (code === 0) return output;
  throw new Error(`${program} ${args.join(' ')} ended with ${code ?? 'a signal'}:\n${output.slice(-6_000)}`);
}

/** No tool reports to its makers, or looks for a newer self. */
const QUIET = {
  DO_NOT_TRACK: '1',
  NO_UPDATE_NOTIFIER: '1',
  REDOCLY_TELEMETRY: 'off',
  REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true',
  NO_COLOR: '1',
  BROWSER: 'none',
};

const CACHE = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'core-api/outside');

/** A folder that `fill` fills once for a set of packages. @throws Skipped when it cannot */
async function installed(packages: readonly string[], fill: (folder: string) => Promise<unknown>): Promise<string> {
  const folder = join(CACHE, createHash('sha256').update(packages.join(' ')).digest('hex').slice(0, 16));
  const complete = join(folder, 'complete');
  if (existsSync(complete)) return folder;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  try {
    await fill(folder);
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw new Skipped(`cannot install ${packages.join(', ')}: ${lastLineOf(error)}`);
  }
  // Last, so that an installation that was cut short is not taken for one.
  writeFileSync(`${complete}.part`, '');
  renameSync(`${complete}.part`, complete);
  return folder;
}

/** Packages of npm, apart from this project's own. @returns the folder with their `node_modules` */
export function npmPackages(...packages: readonly string[]): Promise<string> {
  return installed(packages, async (folder) => {
    writeFileSync(join(folder, 'package.json'), '{"private": true, "type": "module"}\n');
    const flags = ['--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock', '--loglevel=error'];
    await run('npm', ['install', ...flags, ...packages], { cwd: folder });
  });
}

/** Packages of PyPI in an environment of their own. @returns its `bin` */
export async function pythonPackages(...packages: readonly string[]): Promise<string> {
  const folder = await installed(packages, async (folder) => {
    await run('python3', ['-m', 'venv', folder]).catch(async () => {
      await debianPackage('python3-venv');
      await run('python3', ['-m', 'venv', folder]);
    });
    await run(join(folder, 'bin/pip'), ['install', '--quiet', '--disable-pip-version-check', ...packages]);
  });
  return join(folder, 'bin');
}

async function debianPackage(name: string): Promise<void> {
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  await run('apt-get', ['update', '-qq'], { env });
  await run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', name], { env });
}

/** A program out of a package of Debian, without installing it: a service among it would start. @returns its path */
export async function debianProgram(name: string, path: string): Promise<string> {
  const folder = await installed([`debian:${name}`], async (folder) => {
    await run('apt-get', ['update', '-qq']);
    // The download is done by a user who may write nowhere else.
    await run('apt-get', ['download', '-qq', '-o', 'APT::Sandbox::User=root', name], { cwd: folder });
    await run('sh', ['-c', 'dpkg-deb --extract ./*.deb . && rm ./*.deb'], { cwd: folder });
    if (!existsSync(join(folder, path))) throw new Error(`${name} has no ${path}`);
  });
  return join(folder, path);
}

/** A folder for what a tool writes, emptied. */
export function scratch(name: string): string {
  const folder = join(CACHE, 'scratch', name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(dirname(folder), { recursive: true });
  mkdirSync(folder);
  return folder;
}

export const ROOT = join(import.meta.dirname, '../..');
export const OPENAPI = join(ROOT, 'openapi/openapi.json');

export function lastLineOf(error: unknown): string {
  const lines = String(error instanceof Error ? error.message : error)
    .trim()
    .split('\n');
  return (lines.at(-1) ?? '').slice(0, 200);
}
