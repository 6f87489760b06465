import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');
const operations = readFileSync(join(root, 'docs/operations.md'), 'utf8');

/** The first column of the table under "The audit trail". */
const section = operations.slice(operations.indexOf('\n## The audit trail'));
const rows = section.slice(0, section.indexOf('\n## ', 1)).matchAll(/^\| (`[^|]+`) \|/gm);
const documented = [...rows].flatMap(([, cell = '']) => [...cell.matchAll(/`([\w.]+)`/g)].map(([, action]) => action));

/** Every `subject.participle` on a line that makes an entry. */
const recorded = globSync('src/{main,modules}/**/*.ts', { cwd: root, exclude: (path) => path.endsWith('.test.ts') })
  .flatMap((path) => readFileSync(join(root, path), 'utf8').split('\n'))
  .filter((line) => /\baction\b|\brecord\(|[eE]ntry\(/.test(line) && !line.includes('examples:'))
  .flatMap((line) => [...line.matchAll(/'([a-z_]+\.[a-z_]+)'/g)].map(([, action]) => action));

test('operations.md names every action of the audit trail, and no other', () => {
  expect(documented.length).toBeGreaterThan(20);
  expect(documented.toSorted()).toEqual([...new Set(recorded)].toSorted());
});
