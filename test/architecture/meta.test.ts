import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { missingOptionals, readLockfile } from './lockfile.ts';
import { child, listSources, readSource, type SyntaxNode, walk } from './source.ts';

const root = join(import.meta.dirname, '../..');
const sources = (...folders: readonly string[]) =>
  folders
    .flatMap((folder) => listSources(root, folder))
    .filter((path) => !path.startsWith('test/architecture/fixture/'))
    .map((path) => readSource(root, path));

/** The codes that a `defineErrors({ … })` call declares. */
function declaredCodes(node: SyntaxNode): readonly string[] {
  if (node.type !== 'CallExpression' || child(node, 'callee')?.['value'] !== 'defineErrors') return [];
  const [argument] = node['arguments'] as readonly { readonly expression: SyntaxNode }[];
  const properties = (argument?.expression['properties'] ?? []) as readonly SyntaxNode[];
  return properties.map((property) => String(child(property, 'key')?.['value']));
}

describe('error codes', () => {
  const declared = sources('src')
    .filter(({ path }) => !path.endsWith('.test.ts'))
    .flatMap((file) => [...walk(file.statements)].flatMap(declaredCodes).map((code) => ({ code, path: file.path })));

  test('are declared by the kernel and by *.errors.ts only', () => {
    const elsewhere = declared.filter(({ path }) => path !== 'src/kernel/errors.ts' && !path.endsWith('.errors.ts'));
    expect(elsewhere).toEqual([]);
    expect(declared.length).toBeGreaterThan(10);
  });

  test('are unique and snake_case', () => {
    const placesByCode = Map.groupBy(declared, ({ code }) => code);
    expect([...placesByCode.values()].filter((places) => places.length > 1)).toEqual([]);
    expect([...placesByCode.keys()].filter((code) => !/^[a-z]+(_[a-z0-9]+)*$/.test(code))).toEqual([]);
  });
});

describe('tests', () => {
  /** `test.only`, `describe.concurrent.skip`, `it.skipIf`: the property when the chain begins at a test function. */
  function switchedOff(node: SyntaxNode): boolean {
    const name = String(child(node, 'property')?.['value']);
    if (node.type !== 'MemberExpression' || !/^(only|skip|todo|fails|skipIf|runIf)$/.test(name)) return false;
    let base = child(node, 'object');
    while (base?.type === 'MemberExpression') base = child(base, 'object');
    return /^(test|it|describe|suite|bench)$/.test(String(base?.['value']));
  }

  test('are neither switched off nor alone, except by the server helper', () => {
    const offenders = sources('src', 'test', 'bench')
      .filter(({ path }) => path !== 'test/support/servers.ts')
      .flatMap((file) =>
        [...walk(file.statements)].filter(switchedOff).map((node) => `${file.path}:${file.lineOf(node)}`),
      );
    expect(offenders).toEqual([]);
  });
});

describe('package-lock.json', () => {
  const lock = readLockfile();

  test('names no registry, so that every machine uses its own', () => {
    const entries = Object.entries(lock.packages);
    // A workspace is a link to its folder.
    expect(entries.filter(([, { resolved, link }]) => resolved !== undefined && link !== true)).toEqual([]);
    const ranges = entries.flatMap(([, entry]) => Object.values(entry.dependencies ?? {}));
    expect(ranges.filter((range) => /:\/\/|^(git|file|github):/.test(range))).toEqual([]);
    expect(readFileSync(join(root, '.npmrc'), 'utf8')).toContain('omit-lockfile-registry-resolved=true');
  });

  test('names every optional package, so that npm ci accepts it (see lockfile.ts)', () => {
    expect(missingOptionals(lock).map(({ name, version }) => `${name}@${version}`)).toEqual([]);
  });
});
