/**
 * `npm ci` refuses a lock file that leaves out an optional dependency, even one that is only for another
 * platform; npm leaves it out when its registry does not offer that package. Run this file
 * (`npx node test/architecture/lockfile.ts && npm install --package-lock-only`) after `npm install` to put such
 * entries back: the versions are pinned by their parents, and npm reads only os, cpu and libc before it decides
 * not to fetch them. They carry no integrity hash until npm meets a registry that offers the package.
 */
import { readFileSync, writeFileSync } from 'node:fs';

interface LockEntry {
  readonly version?: string;
  readonly resolved?: string;
  readonly link?: boolean;
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly os?: readonly string[];
  readonly cpu?: readonly string[];
  readonly libc?: readonly string[];
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}
interface Lockfile {
  readonly packages: Readonly<Record<string, LockEntry>>;
}

/** One optional dependency that a package names and the lock file has no entry for. */
interface MissingOptional {
  readonly name: string;
  readonly version: string;
  readonly parent: LockEntry;
}

export function readLockfile(): Lockfile {
  return JSON.parse(readFileSync('package-lock.json', 'utf8')) as Lockfile;
}

/** Optional dependencies without an entry anywhere between their parent's folder and the root. */
export function missingOptionals(lock: Lockfile): readonly MissingOptional[] {
  return Object.entries(lock.packages).flatMap(([place, parent]) =>
    Object.entries(parent.optionalDependencies ?? {})
      .filter(([name]) => !placesFrom(place).some((base) => `${base}node_modules/${name}` in lock.packages))
      .map(([name, version]) => ({ name, version, parent })),
  );
}

/** `node_modules/a/node_modules/b` → itself, then `node_modules/a/`, then the root. */
function placesFrom(place: string): readonly string[] {
  const parts = place.split('/node_modules/');
  const above = parts.map((_, count) => `${parts.slice(0, parts.length - count).join('/node_modules/')}/`);
  return place === '' ? [''] : [...above, ''];
}

const systems = ['aix', 'android', 'darwin', 'freebsd', 'linux', 'netbsd', 'openbsd', 'openharmony', 'sunos', 'win32'];
const processors = ['arm64', 'arm', 'ia32', 'loong64', 'mips64el', 'ppc64', 'riscv64', 's390x', 'x64', 'wasm32'];

/** The platform that a binary package is for, read from its name: `@swc/core-linux-x64-gnu`. */
function platformOf(name: string): Pick<LockEntry, 'os' | 'cpu' | 'libc'> | undefined {
  const words = name.split(/[-/]/);
  const os = systems.find((word) => words.includes(word));
  const cpu = processors.find((word) => words.includes(word));
  if (os === undefined || cpu === undefined) return undefined;
  const libc = words.some((word) => word.startsWith('musl')) ? 'musl' : 'glibc';
  return { os: [os], cpu: [cpu], ...(os === 'linux' ? { libc: [libc] } : {}) };
}

function completed(lock: Lockfile): Lockfile {
  const packages: Record<string, LockEntry> = { ...lock.packages };
  for (const { name, version, parent } of missingOptionals(lock)) {
    const platform = platformOf(name);
    if (platform === undefined || !/^\d/.test(version)) throw new Error(`${name}@${version} must be added by hand`);
    const dev = parent.dev === true ? { dev: true } : {};
    packages[`node_modules/${name}`] = { version, ...dev, optional: true, ...platform };
  }
  const sorted = Object.entries(packages).sort(([a], [b]) => a.localeCompare(b, 'en'));
  return { ...lock, packages: Object.fromEntries(sorted) };
}

if (import.meta.main) writeFileSync('package-lock.json', `${JSON.stringify(completed(readLockfile()), null, 2)}\n`);
