import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { anyRounds, anyRule } from '#test/support/alert-arbitraries.ts';
import { type ReferenceAlert, referenceAlerts } from '#test/support/alert-reference.ts';
import type { RuleTerms } from '../rules/rules.ports.ts';
import { FRESH_STATE, judge, judgeSilence, type PairState, type Reading, type Transition } from './judge.ts';
import { inOrder, readingsOf } from './pair-tracks.ts';

const RULE: RuleTerms = {
  metric: 'm',
  condition: 'gt',
  threshold: 30,
  clearThreshold: null,
  forSeconds: 0,
  clearForSeconds: 0,
  cooldownSeconds: 0,
};
const rule = (terms: Partial<RuleTerms> = {}): RuleTerms => ({ ...RULE, ...terms });

/** `[second, value]` → readings. */
const at = (...points: readonly (readonly [second: number, value: Reading['value']])[]): Reading[] =>
  points.map(([second, value]) => ({ timestamp: second * 1_000, value }));

/** What happened, as `raised 60`. */
const told = (transitions: readonly Transition[]) =>
  transitions.map((each) => `${each.kind} ${each.at / 1_000}${each.kind === 'seen' ? ` ×${each.count}` : ''}`);
const happens = (terms: RuleTerms, readings: readonly Reading[]) =>
  told(judge(terms, FRESH_STATE, readings).transitions);

function toAlerts(transitions: readonly Transition[]): readonly ReferenceAlert[] {
  const alerts: ReferenceAlert[] = [];
  for (const transition of transitions) {
    const last = alerts.at(-1);
    if (transition.kind === 'raised') {
      const { at: startedAt, value } = transition;
      alerts.push({ startedAt, value, occurrences: 1, lastSeenAt: startedAt, lastValue: value, clearedAt: null });
    } else if (last !== undefined && transition.kind === 'seen') {
      const { at: lastSeenAt, value: lastValue, count } = transition;
      alerts[alerts.length - 1] = { ...last, lastSeenAt, lastValue, occurrences: last.occurrences + count };
    } else if (last !== undefined) {
      alerts[alerts.length - 1] = { ...last, clearedAt: transition.at };
    }
  }
  return alerts;
}

describe('the state machine', () => {
  test('gives the alerts of the reference, round by round, through any number of restarts', () => {
    fc.assert(
      fc.property(anyRule, anyRounds, (terms, rounds) => {
        let state: PairState = FRESH_STATE;
        const transitions: Transition[] = [];
        for (const round of rounds) {
          const samples = round.map(({ timestamp, value }) => ({ deviceId: 1, timestamp, metrics: { m: value } }));
          // What is stored is all that there is after a restart.
          state = JSON.parse(JSON.stringify(state)) as PairState;
          const judged = judge(terms, state, readingsOf('m', inOrder(samples), Number.NEGATIVE_INFINITY));
          state = judged.state;
          transitions.push(...judged.transitions);
        }
        expect(toAlerts(transitions)).toEqual(referenceAlerts(terms, rounds));
      }),
      { numRuns: 2_000 },
    );
  });

  test('judging again what was judged changes nothing', () => {
    fc.assert(
      fc.property(anyRule, anyRounds, (terms, rounds) => {
        const all = rounds.flat().toSorted((a, b) => a.timestamp - b.timestamp);
        const once = judge(terms, FRESH_STATE, all);
        expect(judge(terms, once.state, all)).toEqual({ state: once.state, transitions: [] });
      }),
    );
  });

  test.each<[Partial<RuleTerms>, Reading['value'], boolean]>([
    [{ condition: 'gt', threshold: 30 }, 30, false],
    [{ condition: 'gt', threshold: 30 }, 30.1, true],
    [{ condition: 'gte', threshold: 30 }, 30, true],
    [{ condition: 'lt', threshold: 30 }, 30, false],
    [{ condition: 'lte', threshold: 30 }, 30, true],
    [{ condition: 'eq', threshold: 1 }, true, true],
    [{ condition: 'eq', threshold: true }, 1, true],
    [{ condition: 'eq', threshold: 'open' }, 'open', true],
    [{ condition: 'eq', threshold: '1' }, 1, false],
    [{ condition: 'ne', threshold: 'open' }, 'shut', true],
    [{ condition: 'ne', threshold: 0 }, false, false],
    [{ condition: 'outside', threshold: [10, 20] }, 20, false],
    [{ condition: 'outside', threshold: [10, 20] }, 21, true],
    [{ condition: 'inside', threshold: [10, 20] }, 10, true],
    [{ condition: 'inside', threshold: [10, 20] }, 9, false],
    [{ condition: 'gt', threshold: 30 }, 'hot', false],
    [{ condition: 'gt', threshold: 0 }, true, true],
  ])('%j with %j: %j', (terms, value, expected) => {
    expect(happens(rule(terms), at([1, value]))).toEqual(expected ? ['raised 1'] : []);
  });

  test('one late reading never makes ten minutes', () => {
    const tenMinutes = rule({ forSeconds: 600 });
    const first = judge(tenMinutes, FRESH_STATE, at([1_000, 31]));
    // Measured ten minutes earlier, or half a minute later: neither is ten minutes of data.
    const late = judge(tenMinutes, first.state, at([400, 31]));
    expect(late).toEqual({ state: first.state, transitions: [] });
    expect(judge(tenMinutes, late.state, at([1_030, 31])).transitions).toEqual([]);
    expect(told(judge(tenMinutes, late.state, at([1_030, 31], [1_600, 32])).transitions)).toEqual(['raised 1600']);
  });

  test('a value that cannot be compared neither breaks nor makes a duration', () => {
    expect(happens(rule({ forSeconds: 60 }), at([0, 31], [30, 'n/a'], [60, 31]))).toEqual(['raised 60']);
  });

  test('the band between threshold and clear_threshold ends nothing', () => {
    const terms = rule({ clearThreshold: 28, clearForSeconds: 10 });
    expect(happens(terms, at([0, 31], [10, 29], [20, 27], [25, 29], [30, 28], [35, 28], [40, 27]))).toEqual([
      'raised 0',
      'cleared 40',
    ]);
  });

  test('a rule rests after an alert, and what held on meanwhile counts', () => {
    const terms = rule({ forSeconds: 10, cooldownSeconds: 60 });
    expect(happens(terms, at([0, 31], [10, 31], [20, 29], [30, 31], [79, 31], [80, 31]))).toEqual([
      'raised 10',
      'cleared 20',
      'raised 80',
    ]);
  });
});

describe('silence', () => {
  const minute = rule({ condition: 'no_data', threshold: null, forSeconds: 60 });
  const heard = judge(minute, FRESH_STATE, at([100, 1])).state;
  const silent = (state: PairState, second: number, listeningSince = 0, terms = minute) =>
    judgeSilence(terms, state, second * 1_000, listeningSince * 1_000);

  test('begins when nothing newer came for so long, and ends with the next reading', () => {
    expect(silent(heard, 159).transitions).toEqual([]);
    const { state, transitions } = silent(heard, 163);
    expect(told(transitions)).toEqual(['raised 160']);
    expect(silent(state, 1_000)).toEqual({ state, transitions: [] });
    expect(told(judge(minute, state, at([90, 1])).transitions)).toEqual([]);
    expect(told(judge(minute, state, at([170, 1])).transitions)).toEqual(['cleared 170']);
  });

  test('of what never came counts from when it was expected; otherwise it is none', () => {
    expect(silent(FRESH_STATE, 10_000).transitions).toEqual([]);
    expect(told(silent({ ...FRESH_STATE, since: 5_000 }, 65).transitions)).toEqual(['raised 65']);
  });

  test('while nobody listened is not the device’s', () => {
    expect(silent(heard, 1_000, 950).transitions).toEqual([]);
    expect(told(silent(heard, 1_010, 950).transitions)).toEqual(['raised 160']);
  });

  test('ends only after readings came for clear_for_seconds without another silence', () => {
    const terms = { ...minute, clearForSeconds: 30 };
    const { state } = silent(heard, 200, 0, terms);
    expect(told(judge(terms, state, at([210, 1], [225, 1], [239, 1])).transitions)).toEqual([]);
    expect(told(judge(terms, state, at([210, 1], [225, 1], [240, 1])).transitions)).toEqual(['cleared 240']);
    expect(told(judge(terms, state, at([210, 1], [280, 1], [300, 1])).transitions)).toEqual([]);
  });

  test('rests after an alert', () => {
    const terms = { ...minute, cooldownSeconds: 100 };
    const { state } = silent(heard, 200, 0, terms);
    const cleared = judge(terms, state, at([210, 1]));
    expect(told(cleared.transitions)).toEqual(['cleared 210']);
    expect(silent(cleared.state, 309, 0, terms).transitions).toEqual([]);
    expect(told(silent(cleared.state, 310, 0, terms).transitions)).toEqual(['raised 310']);
  });

  const seconds = fc.constantFrom(0, 10, 30, 60);
  const step = fc.record({
    /** By the server's clock. */
    passed: fc.integer({ min: 0, max: 100 }),
    /** What arrives then says that it was measured so much later; null: nothing arrives, it is looked for silence. */
    off: fc.option(fc.constantFrom(0, -3_600, -3_590, 240, -86_400)),
  });

  test('times never run backwards, and none is that of a device that goes on sending, whatever its clock says', () => {
    fc.assert(
      fc.property(seconds, seconds, fc.array(step, { maxLength: 60 }), (clearForSeconds, cooldownSeconds, steps) => {
        const terms = { ...minute, clearForSeconds, cooldownSeconds };
        let [now, heardAt, mayBeSilent] = [100_000_000, 100_000_000, false];
        let state: PairState = { ...FRESH_STATE, since: now };
        const transitions: Transition[] = [];
        for (const { passed, off } of steps) {
          now += passed * 1_000;
          mayBeSilent ||= now - heardAt >= 60_000;
          const judged =
            off === null
              ? judgeSilence(terms, state, now, 0)
              : judge(terms, state, [{ timestamp: now + off * 1_000, value: 1, heardAt: now }]);
          if (off !== null) heardAt = now;
          state = JSON.parse(JSON.stringify(judged.state)) as PairState;
          transitions.push(...judged.transitions);
        }
        if (!mayBeSilent) expect(transitions).toEqual([]);
        expect(transitions.map(({ kind }) => kind)).toEqual(
          transitions.map((_, index) => (index % 2 === 0 ? 'raised' : 'cleared')),
        );
        expect(transitions.map(({ at }) => at)).toEqual(transitions.map(({ at }) => at).toSorted((a, b) => a - b));
        for (const { at } of transitions) expect(at).toBeLessThanOrEqual(now);
      }),
      { numRuns: 2_000 },
    );
  });
});
