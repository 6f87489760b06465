import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type GateFacts, judge, resultOf } from './campaigns.gates.ts';
import {
  afterOtaSignal,
  DEVICE_STATES,
  type DeviceState,
  isOfferable,
  isOpenState,
  type OtaFacts,
  type OtaPlan,
  type OtaSignal,
} from './campaigns.rules.ts';
import { boundaryOf, isWithin, paceAt } from './campaigns.schedule.ts';

const plan: OtaPlan = {
  version: '2',
  attempts: 3,
  backoff: 100,
  timeouts: { seen: 5_000, offered: 300, downloading: 400, installing: 500 },
};
const signal: fc.Arbitrary<OtaSignal> = fc.oneof(
  fc.constantFrom('released' as const, 'offered' as const, 'offered' as const).map((kind) => ({ kind })),
  { weight: 1, arbitrary: fc.constant({ kind: 'cancelled' as const }) },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('answer' as const),
      answer: fc.constantFrom('downloading', 'downloaded', 'installing', 'success', 'error', 'rejected'),
      percent: fc.option(fc.integer({ min: 0, max: 100 })),
      error: fc.constant(null),
    }),
  },
  fc.constantFrom('1', '2').map((version) => ({ kind: 'reported' as const, version })),
  { weight: 4, arbitrary: fc.constant({ kind: 'time' as const }) },
) as fc.Arbitrary<OtaSignal>;

const BACK: readonly DeviceState[] = ['QUEUED', 'FAILED', 'TIMED_OUT', 'REJECTED', 'CANCELLED', 'SUCCEEDED'];
const STEPS: readonly DeviceState[] = ['DOWNLOADING', 'DOWNLOADED', 'INSTALLING'];
const ARROWS: Readonly<Record<string, readonly DeviceState[]>> = {
  // A device that goes on with an earlier offer during the pause is believed.
  QUEUED: ['OFFERED', ...STEPS, 'SUCCEEDED', 'SKIPPED', 'TIMED_OUT', 'REJECTED', 'CANCELLED'],
  OFFERED: [...STEPS, ...BACK],
  DOWNLOADING: [...STEPS, ...BACK],
  DOWNLOADED: [...STEPS, ...BACK],
  INSTALLING: [...STEPS, ...BACK],
};

const start: OtaFacts = { state: 'QUEUED', isReleased: false, attempts: 0, progress: null, reason: null, dueAt: null };

describe('whatever happens to a device', () => {
  test('it follows the diagram, is tried no more often than planned, and stays where it has ended', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(signal, fc.integer({ min: 0, max: 400 })), { maxLength: 60 }), (signals) => {
        let facts = start;
        let at = 0;
        for (const [each, passed] of signals) {
          at += passed;
          if (each.kind === 'offered' && !isOfferable(facts, at)) continue;
          const after = afterOtaSignal(facts, plan, each, at);
          if (after === facts) continue;
          expect(isOpenState(facts.state)).toBe(true);
          if (after.state !== facts.state) expect(ARROWS[facts.state]).toContain(after.state);
          if (after.state === 'SUCCEEDED')
            expect([each, facts.attempts > 0]).toEqual([{ kind: 'reported', version: '2' }, true]);
          if (!isOpenState(after.state)) expect(after.dueAt).toBeNull();
          expect(after.attempts).toBeLessThanOrEqual(plan.attempts);
          facts = after;
        }
      }),
    );
  });

  test('once released, it ends in time whatever it does not do', () => {
    fc.assert(
      fc.property(fc.array(signal, { maxLength: 20 }), (signals) => {
        let facts = afterOtaSignal(start, plan, { kind: 'released' }, 0);
        for (const each of signals) facts = afterOtaSignal(facts, plan, each, 0);
        for (let round = 0; round < 20 && isOpenState(facts.state); round++) {
          expect(facts.dueAt).not.toBeNull();
          facts = afterOtaSignal(facts, plan, { kind: 'time' }, facts.dueAt as number);
        }
        expect(isOpenState(facts.state)).toBe(false);
      }),
    );
  });

  test('one that runs another version after it began to install has failed: rolled back', () => {
    const installing: OtaFacts = { ...start, state: 'INSTALLING', isReleased: true, attempts: 1 };
    expect(afterOtaSignal(installing, plan, { kind: 'reported', version: '1' }, 9)).toMatchObject({
      state: 'FAILED',
      reason: 'rolled_back',
    });
  });
});

describe('a gate', () => {
  const facts = (counts: GateFacts['counts'], more: Partial<GateFacts> = {}): GateFacts => ({
    counts,
    size: Object.values(counts).reduce((sum, count) => sum + count, 0),
    isComplete: true,
    notSeen: 0,
    lastSuccessAt: 0,
    now: 10_000,
    alerts: { updated: null, others: null },
    telemetry: new Map(),
    ...more,
  });

  test('fails as soon as more have failed than may, and passes when all have ended', () => {
    const gate = [{ type: 'failed_share', max: 0.1 }] as const;
    expect(judge(gate, facts({ FAILED: 2, QUEUED: 8 }))).toEqual([
      { type: 'failed_share', result: 'fail', figures: { failed: 2, devices: 10, max: 0.1 } },
    ]);
    expect(resultOf(judge(gate, facts({ FAILED: 1, QUEUED: 9 })))).toBe('wait');
    expect(resultOf(judge(gate, facts({ FAILED: 1, SUCCEEDED: 9 })))).toBe('pass');
    // Of those that the stage is for, though not all of them were released.
    const first = facts({ FAILED: 1 }, { size: 10, isComplete: false });
    expect(resultOf(judge(gate, first))).toBe('wait');
    expect(resultOf(judge([{ type: 'min_devices', count: 3 }], first))).toBe('wait');
    // Those that were never there are another condition's.
    expect(resultOf(judge(gate, facts({ TIMED_OUT: 5, SUCCEEDED: 5 }, { notSeen: 5 })))).toBe('pass');
    expect(
      resultOf(judge([{ type: 'not_seen_share', max: 0.4 }], facts({ TIMED_OUT: 5, SUCCEEDED: 5 }, { notSeen: 5 }))),
    ).toBe('fail');
  });

  test('waits for enough successes, and for them to have baked', () => {
    const enough = [{ type: 'min_devices', count: 3 }] as const;
    expect(resultOf(judge(enough, facts({ SUCCEEDED: 2, QUEUED: 1 })))).toBe('wait');
    expect(resultOf(judge(enough, facts({ SUCCEEDED: 2, FAILED: 1 })))).toBe('fail');
    expect(resultOf(judge(enough, facts({ SUCCEEDED: 3 })))).toBe('pass');
    const baked = [{ type: 'bake_time', seconds: 10 }] as const;
    expect(resultOf(judge(baked, facts({ SUCCEEDED: 1 }, { now: 9_999 })))).toBe('wait');
    expect(resultOf(judge(baked, facts({ SUCCEEDED: 1 })))).toBe('pass');
    expect(resultOf(judge(baked, facts({ SUCCEEDED: 1, OFFERED: 1 })))).toBe('wait');
  });

  test('stops an image after which devices raise more alerts than the others', () => {
    const gate = [{ type: 'alerts', ratio: 2, floor: 0.1 }] as const;
    expect(judge(gate, facts({ SUCCEEDED: 5 }, { alerts: { updated: 0.5, others: 0.1 } }))[0]).toEqual({
      type: 'alerts',
      result: 'fail',
      figures: { updated: 0.5, others: 0.1, allowed: 0.2 },
    });
    expect(resultOf(judge(gate, facts({ SUCCEEDED: 5 }, { alerts: { updated: 0.1, others: 0 } })))).toBe('pass');
    expect(resultOf(judge(gate, facts({ QUEUED: 5 })))).toBe('wait');
  });
});

test('stages, windows and pace', () => {
  const stages = [{ percent: 10 }, { devices: 40 }, { percent: 100 }];
  expect([0, 1, 2].map((index) => boundaryOf(stages, index, 95))).toEqual([10, 40, 95]);
  expect(boundaryOf(stages, 0, 3)).toBe(1);
  expect(boundaryOf(stages, 1, 3)).toBe(3);
  const at = Date.UTC(2026, 0, 1, 14, 30);
  expect(isWithin([], 'UTC', at)).toBe(true);
  expect(isWithin([{ from: '22:00', to: '05:00' }], 'UTC', at)).toBe(false);
  // 23:30 in Seoul.
  expect(isWithin([{ from: '22:00', to: '05:00' }], 'Asia/Seoul', at)).toBe(true);
  expect(isWithin([{ from: '14:00', to: '14:30' }], 'UTC', at)).toBe(false);
  expect(paceAt({ since: 0, used: 7 }, 10, 59_999).left).toBe(3);
  expect(paceAt({ since: 0, used: 7 }, 10, 60_000)).toEqual({ pace: { since: 60_000, used: 0 }, left: 10 });
  expect(DEVICE_STATES).toHaveLength(11);
});
