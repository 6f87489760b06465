import fc from 'fast-check';
import type { RuleTerms } from '#modules/monitoring/rules/rules.ports.ts';
import type { ReferenceReading } from './alert-reference.ts';

const seconds = fc.constantFrom(0, 0, 5, 20, 60);
const number = fc.integer({ min: 0, max: 8 });
const range = fc.tuple(number, number).filter(([low, high]) => low < high);

const durations = { forSeconds: seconds, clearForSeconds: seconds, cooldownSeconds: seconds };
const metric = fc.constant('m');

const limits = fc.record({
  metric,
  ...durations,
  condition: fc.constantFrom('gt', 'gte', 'lt', 'lte'),
  threshold: number,
});
const withLimit = fc.tuple(limits, fc.option(fc.integer({ min: 0, max: 4 }))).map(([terms, distance]) => ({
  ...terms,
  clearThreshold: distance === null ? null : terms.threshold + (terms.condition.startsWith('g') ? -distance : distance),
}));

const ranges = fc.record({ metric, ...durations, condition: fc.constantFrom('outside', 'inside'), threshold: range });
const withRange = fc.tuple(ranges, fc.option(fc.tuple(number, number))).map(([terms, by]) => {
  if (by === null) return { ...terms, clearThreshold: null };
  const [low, high] = terms.threshold;
  if (terms.condition === 'inside') return { ...terms, clearThreshold: [low - by[0], high + by[1]] as const };
  const inner = Math.min(low + by[0], high);
  return { ...terms, clearThreshold: [inner, Math.max(inner, high - by[1])] as const };
});

const sameness = fc.record({
  metric,
  ...durations,
  condition: fc.constantFrom('eq', 'ne'),
  threshold: fc.oneof(number, fc.boolean(), fc.constantFrom('on', 'off')),
  clearThreshold: fc.constant(null),
});

/** Any rule but `no_data`, small enough that what can happen does. */
export const anyRule = fc.oneof(withLimit, withRange, sameness) as fc.Arbitrary<RuleTerms>;

const reading: fc.Arbitrary<ReferenceReading> = fc.record({
  // Few enough that times meet, and out of order.
  timestamp: fc.integer({ min: 0, max: 40 }).map((step) => step * 5_000),
  value: fc.oneof(
    { weight: 6, arbitrary: number },
    { weight: 1, arbitrary: fc.constantFrom(true, false, 'on', 'off') },
  ),
});

/** Mostly forward in time, with late ones, duplicates and gaps; in rounds as they arrive. */
export const anyRounds: fc.Arbitrary<readonly (readonly ReferenceReading[])[]> = fc.oneof(
  fc.array(fc.array(reading, { maxLength: 8 }), { maxLength: 8 }),
  fc
    .array(fc.tuple(fc.integer({ min: -3, max: 12 }), fc.oneof(number, fc.constantFrom(true, 'on')), fc.boolean()), {
      maxLength: 60,
    })
    .map((steps) => {
      const rounds: ReferenceReading[][] = [[]];
      let time = 100_000;
      for (const [step, value, next] of steps) {
        time += step * 2_500;
        if (next) rounds.push([]);
        rounds.at(-1)?.push({ timestamp: time, value });
      }
      return rounds;
    }),
);
