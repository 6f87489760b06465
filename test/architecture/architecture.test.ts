import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { type ModuleEdges, moduleEdges } from './edges.ts';
import { checkImports, importRuleNames } from './imports.ts';
import { checkPackages, packageRuleNames } from './package-rules.ts';
import { moduleBuiltins, type PackageHomes, packageHomes } from './packages.ts';
import { listSources, readSource, specifiersOf } from './source.ts';
import { checkSources, sourceRuleNames } from './source-rules.ts';
import { print, type Violation } from './violation.ts';

const root = join(import.meta.dirname, '../..');
const fixture = join(import.meta.dirname, 'fixture');
const fixtureEdges: ModuleEdges = { alpha: ['beta'], gamma: ['alpha'] };

const fixtureHomes: PackageHomes = {
  fastify: ['src/modules/**/*.routes.ts'],
  kysely: ['src/modules/**/*.repository.ts'],
  mongodb: ['src/platform/*/mongodb/*.ts'],
};
const fixtureBuiltins: PackageHomes = { 'node:path': ['src/modules/alpha/alpha.files.ts'] };

const dependenciesOf = (tree: string): readonly string[] => {
  const manifest: { dependencies?: object } = JSON.parse(readFileSync(join(tree, 'package.json'), 'utf8'));
  return Object.keys(manifest.dependencies ?? {});
};

const sourcesOf = (tree: string, ...folders: readonly string[]) =>
  folders
    .flatMap((folder) => listSources(tree, folder))
    .filter((path) => !path.startsWith('test/architecture/fixture/'))
    .map((path) => readSource(tree, path));

describe('the source', () => {
  let imports: Awaited<ReturnType<typeof checkImports>>;
  beforeAll(async () => {
    imports = await checkImports(root, moduleEdges);
  });

  test('is read in full', () => {
    expect([...imports.files.keys()].sort()).toEqual(listSources(root, 'src'));
    expect(imports.files.size).toBeGreaterThan(20);
  });

  test('hides no import from the import rules', () => {
    const unseen = sourcesOf(root, 'src').flatMap((file) =>
      [...specifiersOf(file)]
        .filter((specifier) => !imports.files.get(file.path)?.has(specifier.replace(/^node:/, '')))
        .map((specifier) => `${file.path} → ${specifier}`),
    );
    expect(unseen).toEqual([]);
  });

  test.each(importRuleNames)('keeps %s', (rule) => {
    expect(print(imports.violations.filter((violation) => violation.rule === rule))).toEqual([]);
  });

  const ofPackages = checkPackages(sourcesOf(root, 'src'), {
    dependencies: dependenciesOf(root),
    homes: packageHomes,
    moduleBuiltins,
  });
  test.each(packageRuleNames)('keeps %s', (rule) => {
    expect(print(ofPackages.filter((violation) => violation.rule === rule))).toEqual([]);
  });

  const inCode = checkSources(sourcesOf(root, 'src', 'test', 'bench'));
  test.each(sourceRuleNames)('keeps %s', (rule) => {
    expect(print(inCode.filter((violation) => violation.rule === rule))).toEqual([]);
  });
});

describe('the known-bad fixture', () => {
  let violations: readonly Violation[];
  beforeAll(async () => {
    const imports = await checkImports(fixture, fixtureEdges);
    const sources = sourcesOf(fixture, 'src');
    const packages = checkPackages(sources, {
      dependencies: dependenciesOf(fixture),
      homes: fixtureHomes,
      moduleBuiltins: fixtureBuiltins,
    });
    violations = [...imports.violations, ...checkSources(sources), ...packages];
  });

  test.each([...importRuleNames, ...sourceRuleNames, ...packageRuleNames])(
    'breaks %s, and the check says so',
    (rule) => {
      expect(violations.some((violation) => violation.rule === rule)).toBe(true);
    },
  );

  test('is reported exactly: nothing that is allowed, nothing left out', () => {
    expect(print(violations)).toMatchInlineSnapshot(`
      [
        "builtin-home-unused: test/architecture/packages.ts → node:path in src/modules/alpha/alpha.files.ts",
        "builtin-in-modules-declared: src/modules/alpha/alpha.files.ts → node:fs/promises",
        "dependency-without-home: package.json → nodemailer",
        "driver-adapters-loaded-on-demand: src/main/compose.ts → src/platform/documents/mongodb/store.ts",
        "drivers-in-their-adapters: src/main/compose.ts → ioredis",
        "edge-goes-through-service: src/modules/alpha/alpha.routes.ts → src/modules/alpha/alpha.repository.ts",
        "edge-undeclared: src/modules/alpha/alpha.module.ts → alpha → gamma",
        "edge-unused: test/architecture/edges.ts → gamma → alpha",
        "environment-read-by-config-only: src/kernel/sins.ts → line 4",
        "file-stays-small: src/kernel/long.ts → the file",
        "http-loaded-in-part: src/kernel/sins.ts → line 13",
        "imports-resolve: src/modules/alpha/alpha.module.ts → ./missing.ts",
        "kernel-imports-nothing: src/kernel/errors.ts → src/platform/clock/clock.ts",
        "kysely-in-repositories-only: src/modules/alpha/alpha.schemas.ts → kysely",
        "main-imports-modules-by-index: src/main/compose.ts → src/modules/alpha/alpha.service.ts",
        "module-imports-platform-ports-only: src/modules/alpha/alpha.module.ts → src/platform/clock/clock.ts",
        "module-knows-no-main: src/modules/alpha/alpha.module.ts → src/main/config.ts",
        "modules-meet-at-index: src/modules/alpha/alpha.module.ts → src/modules/beta/beta.ports.ts",
        "no-circular: src/kernel/ring-a.ts → src/kernel/ring-b.ts",
        "no-circular: src/modules/alpha/alpha.repository.ts → src/modules/alpha/alpha.schemas.ts",
        "no-default-export: src/kernel/sins.ts → line 9",
        "no-import-types: src/kernel/sins.ts → line 7",
        "no-module-level-let: src/kernel/sins.ts → line 5",
        "no-module-level-state: src/kernel/sins.ts → line 6",
        "no-process-in-kernel-and-modules: src/kernel/sins.ts → line 4",
        "no-utils-folder: src/utils/thing.ts → the file",
        "only-module-builds-adapters: src/modules/alpha/alpha.routes.ts → src/modules/alpha/alpha.repository.ts",
        "package-home-unused: test/architecture/packages.ts → fastify in src/modules/**/*.routes.ts",
        "package-in-its-home-only: src/main/compose.ts → ioredis",
        "package-in-its-home-only: src/modules/alpha/alpha.files.ts → aedes",
        "package-in-its-home-only: src/modules/alpha/alpha.files.ts → csv-parse",
        "package-in-its-home-only: src/modules/alpha/alpha.schemas.ts → kysely",
        "package-in-its-home-only: src/modules/alpha/alpha.service.ts → fastify",
        "platform-imports-kernel-only: src/platform/clock/clock.ts → src/modules/beta/index.ts",
        "ports-know-no-implementation: src/modules/alpha/alpha.ports.ts → src/modules/alpha/alpha.schemas.ts",
        "profile-words-in-main-only: src/kernel/sins.ts → line 2",
        "profile-words-in-main-only: src/kernel/sins.ts → line 3",
        "repository-implements-ports: src/modules/alpha/alpha.repository.ts → src/modules/alpha/alpha.schemas.ts",
        "schemas-know-no-service: src/modules/alpha/alpha.schemas.ts → src/modules/alpha/alpha.service.ts",
        "service-knows-no-edge: src/modules/alpha/alpha.service.ts → src/modules/alpha/alpha.routes.ts",
        "service-knows-no-technology: src/modules/alpha/alpha.service.ts → fastify",
        "source-imports-no-tests: src/modules/alpha/alpha.module.ts → test/support/helper.ts",
        "time-parsed-by-kernel-only: src/kernel/sins.ts → line 10",
        "time-parsed-by-kernel-only: src/kernel/sins.ts → line 11",
        "wiring-reads-from-top-to-bottom: src/main/compose.ts → line 6",
      ]
    `);
  });
});
