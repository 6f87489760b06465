import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { RuleTerms } from '../rules/rules.ports.ts';
import { describeAlert, describeEnd, oneLine } from './messages.ts';

const terms = (more: Partial<RuleTerms>): RuleTerms => ({
  ...{ metric: 'temperature', condition: 'gt', threshold: 30, clearThreshold: null },
  ...{ forSeconds: 0, clearForSeconds: 0, cooldownSeconds: 0, ...more },
});

test.each<[Partial<RuleTerms>, string, string, string, string]>([
  [
    { forSeconds: 60 },
    'temperature is 31, above 30 for 60 s',
    'temperature 값: 31 (조건: 30 초과, 60초 지속)',
    'temperature is 28, no longer above 30',
    'temperature 값: 28 (조건 해제: 30 초과)',
  ],
  [
    { condition: 'outside', threshold: [1, 2] },
    'temperature is 31, outside 1 to 2',
    'temperature 값: 31 (조건: 1~2 범위 밖)',
    'temperature is 28, no longer outside 1 to 2',
    'temperature 값: 28 (조건 해제: 1~2 범위 밖)',
  ],
  [
    { condition: 'no_data', threshold: null, forSeconds: 60 },
    'no temperature for 60 s',
    'temperature 데이터가 60초 동안 들어오지 않았습니다',
    'temperature is there again',
    'temperature 데이터가 다시 들어옵니다',
  ],
])('%j in words', (more, raised, raisedInKorean, ended, endedInKorean) => {
  expect([describeAlert(terms(more), 31), describeAlert(terms(more), 31, 'ko')]).toEqual([raised, raisedInKorean]);
  expect([describeEnd(terms(more), 28), describeEnd(terms(more), 28, 'ko')]).toEqual([ended, endedInKorean]);
});

test('what people typed is a short part of one line', () => {
  expect(oneLine('Too\r\nBcc: all@example.com\u2028hot\u202eyas\u0000')).toBe('Too Bcc: all@example.com hot yas');
  expect(oneLine('가'.repeat(100))).toBe(`${'가'.repeat(59)}…`);
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
      const line = oneLine(text);
      expect([...line].length).toBeLessThanOrEqual(60);
      expect(line).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
    }),
  );
});
