import fc from 'fast-check';
import { expect, test } from 'vitest';
import { languageOf } from './language.ts';

test.each([
  [undefined, 'en'],
  ['', 'en'],
  ['*', 'en'],
  ['de-DE,de;q=0.9', 'en'],
  ['ko', 'ko'],
  ['ko-KR,ko;q=0.9,en-US;q=0.8,en;q=0.7', 'ko'],
  ['en-US,en;q=0.9,ko;q=0.8', 'en'],
  ['de, ko;q=0.5, en;q=0.4', 'ko'],
  ['en;q=0.5, KO-kr ; q=0.6', 'ko'],
  ['ko;q=0', 'en'],
  ['en, ko', 'en'],
  ['ko, en', 'ko'],
  ['kok', 'en'],
])('%s is answered in %s', (header, language) => {
  expect(languageOf(header)).toBe(language);
});

test('whatever a browser sends', () => {
  fc.assert(fc.property(fc.string(), (header) => void expect(languageOf(header)).toMatch(/^(en|ko)$/)));
});
