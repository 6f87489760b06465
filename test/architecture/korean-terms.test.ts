import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { problems } from '../../console/src/i18n/korean/korean.ts';
import { tablesOf } from './console-texts.ts';
import { listSources, readSource } from './source.ts';

const root = join(import.meta.dirname, '../..');
const textOf = (path: string) => readFileSync(join(root, path), 'utf8');

/** A term in English, its word in Korean, and the words that are not. */
interface Term {
  readonly english: RegExp;
  readonly korean: string;
  readonly not: readonly string[];
}

/** The rows of the glossary in docs/console.md. */
function glossary(): readonly Term[] {
  const rows = textOf('docs/console.md').split('| term | Korean | not |\n| --- | --- | --- |\n')[1]?.split('\n\n')[0];
  return [...(rows ?? '').matchAll(/^\| (.+) \| (.+) \| (.+) \|$/gm)].map(([, terms = '', korean = '', not = '']) => ({
    english: new RegExp(`\\b(${terms.replaceAll(', ', '|')})s?\\b`, 'i'),
    korean,
    not: not.split(', '),
  }));
}

const terms = glossary();
/** Words that are wrong wherever they stand. */
const never = terms.flatMap(({ not }) => not).filter((word) => !terms.some(({ korean }) => korean === word));

const wrongWords = (text: string) => never.filter((word) => text.includes(word));

/** Words in the Korean of an English text that stand for another term. */
const mixedUp = (english: string, korean: string) =>
  terms
    .filter((term) => term.english.test(english) && !korean.includes(term.korean))
    .flatMap(({ not }) => not.filter((word) => korean.includes(word)));

describe('each term has one Korean word', () => {
  test('of which the glossary tells', () => {
    expect(terms.length).toBeGreaterThan(15);
    expect(never).toContain('측정 항목');
    expect(never).not.toContain('알림');
  });

  test.each([
    'README.ko.md',
    'docs/settings.ko.md',
    ...globSync(['src/**/*.ts', 'console/src/**/*.{ts,tsx}'], { cwd: root })
      .filter((path) => !/\.(test|contract)\.ts$/.test(path) && /\p{Script=Hangul}/u.test(textOf(path)))
      .toSorted(),
  ])('in %s', (path) => {
    expect(wrongWords(textOf(path))).toEqual([]);
  });

  test('which no text of the console takes for another', () => {
    const tables = listSources(root, 'console/src')
      .filter((path) => !path.endsWith('.d.ts'))
      .flatMap((path) => tablesOf(readSource(root, path)));
    const pairs = [
      ...tables.flatMap(({ en, ko }) => [...en].map(([key, english]) => [english, ko.get(key) ?? ''] as const)),
      ...Object.values(problems),
    ];
    expect(pairs.length).toBeGreaterThan(1_000);
    expect(pairs.filter(([english, korean]) => mixedUp(english, korean).length > 0)).toEqual([]);
  });

  test('else it is found', () => {
    expect(wrongWords('모든 측정 항목과 비밀값')).toEqual(['측정 항목', '비밀값']);
    expect(mixedUp('Open alerts', '진행 중인 알림')).toEqual(['알림']);
    expect(mixedUp('Managers and above', '관리자 이상')).toEqual(['관리자']);
    expect(mixedUp('Notifications of alerts', '경보 알림')).toEqual([]);
    expect(mixedUp('Ask an administrator', '관리자에게 문의하세요')).toEqual([]);
  });
});
