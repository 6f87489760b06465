import { builtinModules } from 'node:module';
import { matchesGlob } from 'node:path';
import type { PackageHomes } from './packages.ts';
import { type SourceFile, specifiersOf } from './source.ts';
import type { Violation } from './violation.ts';

export const packageRuleNames = [
  'package-in-its-home-only',
  'package-home-unused',
  'dependency-without-home',
  'builtin-in-modules-declared',
  'builtin-home-unused',
] as const;

interface PackageTables {
  /** The names under `dependencies` of package.json. */
  readonly dependencies: readonly string[];
  readonly homes: PackageHomes;
  readonly moduleBuiltins: PackageHomes;
}

interface PackageImport {
  readonly path: string;
  readonly name: string;
}

const forTests = /\.(test|contract|harness|fixture)\.ts$|\.contract\.tables\.ts$/;
const isBuiltin = (name: string) => name.startsWith('node:');

/** The package of a specifier, a Node.js module with its `node:`; undefined for what is part of this source. */
function packageOf(specifier: string): string | undefined {
  if (/^[.#/]/.test(specifier)) return undefined;
  if (isBuiltin(specifier)) return specifier;
  if (builtinModules.includes(specifier)) return `node:${specifier}`;
  return /^(@[^/]+\/)?[^/]+/.exec(specifier)?.[0];
}

const allows = (homes: PackageHomes, { name, path }: PackageImport) =>
  Object.hasOwn(homes, name) && homes[name]?.some((glob) => matchesGlob(path, glob)) === true;

const outside = (rule: string, homes: PackageHomes, imports: readonly PackageImport[]): readonly Violation[] =>
  imports.filter((found) => !allows(homes, found)).map(({ path, name }) => ({ rule, where: path, what: name }));

const unused = (rule: string, homes: PackageHomes, imports: readonly PackageImport[]): readonly Violation[] =>
  Object.entries(homes).flatMap(([name, globs]) =>
    globs
      .filter((glob) => !imports.some((found) => found.name === name && matchesGlob(found.path, glob)))
      .map((glob) => ({ rule, where: 'test/architecture/packages.ts', what: `${name} in ${glob}` })),
  );

/** Judges what files under `src/` import from packages and from Node.js, types and `import()` included. */
export function checkPackages(files: readonly SourceFile[], tables: PackageTables): readonly Violation[] {
  const { dependencies, homes, moduleBuiltins } = tables;
  const imports = files
    .filter(({ path }) => !forTests.test(path))
    .flatMap((file) => [...specifiersOf(file)].map((specifier) => ({ path: file.path, name: packageOf(specifier) })))
    .filter((found): found is PackageImport => found.name !== undefined);
  const housed = imports.filter(({ name }) => !isBuiltin(name) || Object.hasOwn(homes, name));
  const builtins = imports.filter(
    ({ name, path }) => isBuiltin(name) && !Object.hasOwn(homes, name) && path.startsWith('src/modules/'),
  );
  return [
    ...outside('package-in-its-home-only', homes, housed),
    ...unused('package-home-unused', homes, housed),
    ...dependencies
      .filter((name) => !Object.hasOwn(homes, name))
      .map((name) => ({ rule: 'dependency-without-home', where: 'package.json', what: name })),
    ...outside('builtin-in-modules-declared', moduleBuiltins, builtins),
    ...unused('builtin-home-unused', moduleBuiltins, builtins),
  ];
}
