import { existsSync, globSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, test } from 'vitest';
import { REJECT_REASONS } from '#test/support/payloads.ts';

const root = join(import.meta.dirname, '../..');
const documents = [
  ...['README.md', 'README.ko.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'bench/README.md'].map((file) =>
    join(root, file),
  ),
  ...globSync('examples/*/README.md', { cwd: root }).map((file) => join(root, file)),
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.md'))
    .map((file) => join(root, 'docs', file)),
];

/** As GitHub makes them of headings. */
function anchorsOf(markdown: string): readonly string[] {
  return [...markdown.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s-]/gu, '')
      .replace(/\s/g, '-'),
  );
}

describe('documents', () => {
  test.each(documents.map((file) => relative(root, file)))('%s links to what is there', (name) => {
    const file = join(root, name);
    const links = [...readFileSync(file, 'utf8').matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link);
    const broken = links.filter((link) => {
      if (/^[a-z]+:/.test(link)) return false;
      const [path = '', anchor] = link.split('#');
      const target = path === '' ? file : join(dirname(file), path);
      if (!existsSync(target)) return true;
      if (anchor === undefined) return false;
      const text = readFileSync(target, 'utf8');
      // Which line it has to be, is compared with what the code makes of the document.
      if (target.endsWith('.ts')) return !(Number(/^L(\d+)$/.exec(anchor)?.[1]) <= text.split('\n').length);
      return !anchorsOf(text).includes(anchor);
    });
    expect(broken).toEqual([]);
  });

  test('each decision has a number of its own, which its title says too', () => {
    const names = readdirSync(join(root, 'docs/adr'));
    const numbers = names.map((name) => name.slice(0, 4));
    expect(numbers.filter((number, index) => numbers.indexOf(number) !== index)).toEqual([]);
    for (const name of names) {
      expect(readFileSync(join(root, 'docs/adr', name), 'utf8')).toMatch(new RegExp(`^# ${name.slice(0, 4)}: `));
    }
  });

  test('mqtt.md explains every reason for a rejection', () => {
    const text = readFileSync(join(root, 'docs/mqtt.md'), 'utf8');
    const table = /^\| reason[\s\S]*?\n\n/m.exec(text)?.[0] ?? '';
    const named = [...table.matchAll(/`([a-z0-9_]+)`/g)].map(([, reason = '']) => reason);
    expect(Object.keys(REJECT_REASONS).filter((reason) => !named.includes(reason))).toEqual([]);
  });
});
