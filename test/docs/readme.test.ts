import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { SETTINGS } from '#main/settings.ts';

const root = join(import.meta.dirname, '../..');

/** Name → default of every row `| \`NAME\` | default | … |`; a default that is not code is none. */
function settingsTable(markdown: string): Readonly<Record<string, string>> {
  const rows = markdown.matchAll(/^\| `([A-Z][A-Z0-9_]+)` \| ([^|]*) \|/gm);
  return Object.fromEntries(
    [...rows].map(([, name = '', cell = '']) => [name, /^`(.*)`$/.exec(cell.trim())?.[1] ?? '']),
  );
}

const defaults: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(SETTINGS).map(([name, { shown }]) => [name, shown]),
);

test.each(['docs/settings.md', 'docs/settings.ko.md'])('%s names every setting with its default', (file) => {
  expect(settingsTable(readFileSync(join(root, file), 'utf8'))).toEqual(defaults);
});

describe.each(['README.md', 'README.ko.md'])('%s', (file) => {
  const text = readFileSync(join(root, file), 'utf8');

  test('names settings with their defaults', () => {
    const named = settingsTable(text);
    expect(Object.keys(named).length).toBeGreaterThan(10);
    expect(defaults).toMatchObject(named);
  });

  test('names only scripts that package.json has', () => {
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: object };
    const named = new Set([...text.matchAll(/npm run ([a-z:]+)/g)].map(([, script = '']) => script));
    expect([...named].filter((script) => !(script in scripts))).toEqual([]);
    expect(named.size).toBeGreaterThan(0);
  });
});

test('both READMEs show the same commands', () => {
  const commands = ['README.md', 'README.ko.md'].map((file) =>
    [...readFileSync(join(root, file), 'utf8').matchAll(/^```sh\n([\s\S]*?)^```/gm)].map(([, block = '']) =>
      block.replace(/ +# .*$/gm, ''),
    ),
  );
  expect(commands[1]).toEqual(commands[0]);
});
