import type { Principal } from '#kernel/access.ts';
import type { Clock } from '#kernel/clock.ts';
import { defined } from '#kernel/defined.ts';
import { commonErrors } from '#kernel/errors.ts';
import type { DevicesApi } from '#modules/devices/index.ts';
import type { MetricValue, TelemetryStore } from '#platform/telemetry/telemetry.port.ts';
import { FRESH_STATE, type Judgement, judge, judgeSilence, type PairState, type Reading } from '../alerts/judge.ts';
import { SILENCE_ALLOWANCE_MS, toDeviceScope } from '../alerts/silence.ts';
import { monitoringErrors } from '../monitoring.errors.ts';
import { checkRule, invalidRule, within } from './rules.check.ts';
import type { ReplayedAlert, ReplayedDevice, RuleInput } from './rules.ports.ts';
import type { RulesService } from './rules.service.ts';

export interface ReplayRange {
  /** Inclusive. */
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
}

export interface ReplayDeps {
  readonly rules: Pick<RulesService, 'requireScope'>;
  readonly devices: Pick<DevicesApi, 'listInScope'>;
  readonly telemetry: Pick<TelemetryStore, 'history' | 'latest'>;
  readonly clock: Clock;
}

export type ReplayService = ReturnType<typeof createReplayService>;

const LONGEST_RANGE_DAYS = 31;
const MAX_DEVICES = 100;
const MAX_SAMPLES = 200_000;
const MAX_ALERTS = 1_000;
/** In one process, whoever asks. */
const MAX_AT_ONCE = 8;
const MAX_OF_A_PERSON = 2;
const LONGEST_MS = 10_000;
const PAGE = 1_000;

/** What a rule would have done with what is stored, by the evaluator that judges what arrives. */
export function createReplayService({ rules, devices, telemetry, clock }: ReplayDeps) {
  /** Whose tests are running, one entry for each. */
  const running: number[] = [];

  /** @param deadline by the monotonic clock: a store that is slow holds no place for long */
  async function replay(
    rule: RuleInput,
    { start, end }: ReplayRange,
    deadline: number,
  ): Promise<readonly ReplayedDevice[]> {
    const checkTime = () => {
      if (clock.monotonic() > deadline) throw tooLarge(`The test took more than ${LONGEST_MS / 1_000} s.`);
    };
    const found = await devices.listInScope(toDeviceScope(rule.scope), 0, MAX_DEVICES + 1);
    if (found.length > MAX_DEVICES) throw tooLarge(`The rule is about more than ${MAX_DEVICES} devices.`);
    const left = { samples: MAX_SAMPLES, alerts: MAX_ALERTS };
    const replayed: ReplayedDevice[] = [];
    for (const device of found) {
      const one = createReplay(rule, start);
      checkTime();
      const latest = await telemetry.latest(device.deviceId);
      // Of a metric that there is not, none of the device's history has to be looked at.
      const isThere = Object.hasOwn(latest, rule.metric) && (latest[rule.metric]?.timestamp ?? 0) >= start;
      let after: number | undefined;
      while (isThere) {
        checkTime();
        const page = await telemetry.history({
          deviceId: device.deviceId,
          start,
          end,
          metrics: [rule.metric],
          order: 'asc',
          limit: PAGE,
          ...defined({ after }),
        });
        left.samples -= page.samples.length;
        if (left.samples < 0) throw tooLarge(`There are more than ${MAX_SAMPLES} samples to look at.`);
        one.judge(
          page.samples.flatMap(({ timestamp, metrics }) =>
            Object.hasOwn(metrics, rule.metric) ? [{ timestamp, value: metrics[rule.metric] as MetricValue }] : [],
          ),
        );
        if (left.alerts < one.alerts.length) throw tooLarge(`There are more than ${MAX_ALERTS} alerts to tell of.`);
        if (page.next === null) break;
        after = page.next;
      }
      one.finish(Math.min(end, clock.now()));
      left.alerts -= one.alerts.length;
      replayed.push({ device, samples: one.samples(), alerts: one.alerts });
    }
    return replayed;
  }

  return {
    /**
     * @returns each device that the rule is about, by id
     * @throws AppError `alert_rule_invalid`, `alert_test_too_large`, `alert_tests_busy`, and as `requireScope`
     */
    async test(principal: Principal, rule: RuleInput, range: ReplayRange): Promise<readonly ReplayedDevice[]> {
      await within('/rule', () => checkRule(rule));
      if (rule.condition === 'offline') {
        throw invalidRule([{ path: '/rule/condition', message: 'must be another: only telemetry can be replayed' }]);
      }
      if (range.start >= range.end) {
        const fields = [{ path: '/start', message: 'must be before the end' }];
        throw commonErrors.invalid_input({ detail: 'The start is not before the end.', details: { fields } });
      }
      if (range.end - range.start > LONGEST_RANGE_DAYS * 86_400_000) {
        const fields = [{ path: '/end', message: `must be ${LONGEST_RANGE_DAYS} days after the start at the most` }];
        throw monitoringErrors.alert_test_too_large({
          detail: 'The range is too long to be tested.',
          details: { fields },
        });
      }
      await within('/rule', () => rules.requireScope(principal, rule.scope));
      const { userId } = principal;
      const own = running.filter((each) => each === userId).length;
      if (running.length >= MAX_AT_ONCE || own >= MAX_OF_A_PERSON) {
        throw monitoringErrors.alert_tests_busy({ details: { retryAfterSeconds: 5 } });
      }
      running.push(userId);
      try {
        return await replay(rule, range, clock.monotonic() + LONGEST_MS);
      } finally {
        running.splice(running.indexOf(userId), 1);
      }
    },
  };
}

/** One device, from the beginning of the range. */
function createReplay(rule: RuleInput, start: number) {
  const alerts: ReplayedAlert[] = [];
  let state: PairState = { ...FRESH_STATE, since: start };
  let samples = 0;

  function take({ state: next, transitions }: Judgement): void {
    state = next;
    for (const transition of transitions) {
      const last = alerts.at(-1);
      if (transition.kind === 'raised') {
        const { at, value } = transition;
        alerts.push({ startedAt: at, value, occurrences: 1, lastSeenAt: at, lastValue: value, clearedAt: null });
      } else if (last !== undefined && transition.kind === 'seen') {
        const { at: lastSeenAt, value: lastValue, count } = transition;
        alerts[alerts.length - 1] = { ...last, lastSeenAt, lastValue, occurrences: last.occurrences + count };
      } else if (last !== undefined) {
        alerts[alerts.length - 1] = { ...last, clearedAt: transition.at };
      }
    }
  }

  /** As if the clock stood at `at`: what would have been noticed by then. */
  function silence(at: number): void {
    if (rule.condition === 'no_data') take(judgeSilence(rule, state, at - SILENCE_ALLOWANCE_MS, 0));
  }

  return {
    alerts,
    samples: () => samples,
    judge(readings: readonly Reading[]) {
      samples += readings.length;
      if (rule.condition !== 'no_data') {
        take(judge(rule, state, readings));
        return;
      }
      for (const reading of readings) {
        silence(reading.timestamp);
        take(judge(rule, state, [reading]));
      }
    },
    finish: silence,
  };
}

function tooLarge(detail: string) {
  return monitoringErrors.alert_test_too_large({ detail });
}
