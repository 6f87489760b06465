import { type DeviceState, isOpenState } from './campaigns.rules.ts';
import { NOTHING_MEASURED, type TelemetryAggregate, type TelemetryFacts, telemetryKey } from './campaigns.telemetry.ts';

/** One condition of a gate, by its name. Shares are from 0 to 1. */
export type GateCondition =
  | { readonly type: 'failed_share'; readonly max: number }
  | { readonly type: 'not_seen_share'; readonly max: number }
  | { readonly type: 'min_devices'; readonly count: number }
  | { readonly type: 'bake_time'; readonly seconds: number }
  /** Alerts for each updated device, against `ratio` times those for each device that is not updated, and `floor`. */
  | { readonly type: 'alerts'; readonly ratio: number; readonly floor: number }
  | TelemetryCondition;

/**
 * A metric of updated devices, against `ratio` times that of devices that are not updated, against `bound`, or both: then it
 * fails beyond both. One of the two is given.
 */
export interface TelemetryCondition {
  readonly type: 'telemetry';
  readonly metric: string;
  readonly aggregate: TelemetryAggregate;
  readonly fails: 'above' | 'below';
  readonly ratio?: number;
  readonly bound?: number;
}

/** What a gate is judged by: the devices that its stage has released so far. */
export interface GateFacts {
  /** How many of them are in each state. */
  readonly counts: Readonly<Partial<Record<DeviceState, number>>>;
  /** How many it is for. */
  readonly size: number;
  /** Whether it has released all of them. */
  readonly isComplete: boolean;
  /** TIMED_OUT because they were never there. */
  readonly notSeen: number;
  /** When the last of them SUCCEEDED, epoch milliseconds; null: none has. */
  readonly lastSuccessAt: number | null;
  readonly now: number;
  /** Alerts since the stage began, for each device; null: there are no such devices. */
  readonly alerts: { readonly updated: number | null; readonly others: number | null };
  readonly telemetry: TelemetryFacts;
}

export interface Verdict {
  readonly type: GateCondition['type'];
  readonly result: 'pass' | 'wait' | 'fail';
  readonly figures: Readonly<Record<string, number | null>>;
}

type Evaluator<T extends GateCondition> = (condition: T, facts: GateFacts) => Omit<Verdict, 'type'>;

const FAILURES: readonly DeviceState[] = ['FAILED', 'TIMED_OUT', 'REJECTED'];

const EVALUATORS: { readonly [K in GateCondition['type']]: Evaluator<Extract<GateCondition, { type: K }>> } = {
  failed_share({ max }, facts) {
    const failed = sum(facts, FAILURES) - facts.notSeen;
    return byShare(failed, facts, max, { failed });
  },
  not_seen_share({ max }, facts) {
    return byShare(facts.notSeen, facts, max, { not_seen: facts.notSeen });
  },
  min_devices({ count }, facts) {
    const succeeded = facts.counts.SUCCEEDED ?? 0;
    if (succeeded >= count) return { result: 'pass', figures: { succeeded, needed: count } };
    // Those that are left cannot make it enough.
    const isOver = facts.isComplete && succeeded + open(facts) < count;
    return { result: isOver ? 'fail' : 'wait', figures: { succeeded, needed: count } };
  },
  bake_time({ seconds }, facts) {
    const { lastSuccessAt, now } = facts;
    if (!hasEnded(facts)) return { result: 'wait', figures: { baked: null, needed: seconds } };
    const baked = lastSuccessAt === null ? seconds : Math.floor((now - lastSuccessAt) / 1_000);
    return {
      result: baked >= seconds ? 'pass' : 'wait',
      figures: { baked: Math.min(baked, seconds), needed: seconds },
    };
  },
  alerts({ ratio, floor }, { alerts: { updated, others } }) {
    const allowed = Math.max(floor, ratio * (others ?? 0));
    const figures = { updated, others, allowed };
    if (updated === null) return { result: 'wait', figures };
    return { result: updated > allowed ? 'fail' : 'pass', figures };
  },
  telemetry({ metric, aggregate, fails, ratio, bound }, { telemetry }) {
    const { updated, others } = telemetry.get(telemetryKey({ metric, aggregate })) ?? NOTHING_MEASURED;
    const compared = ratio === undefined || others.value === null ? [] : [ratio * others.value];
    const limits = bound === undefined ? compared : [...compared, bound];
    const allowed = limits.length === 0 ? null : fails === 'above' ? Math.max(...limits) : Math.min(...limits);
    const figures = {
      ...{ updated: updated.value, updated_devices: updated.devices },
      ...{ others: others.value, other_devices: others.devices },
      allowed,
    };
    if (updated.value === null) return { result: 'wait', figures };
    // Nobody is left to compare with; or those that are have said nothing yet.
    if (allowed === null) return { result: others.asked === 0 ? 'pass' : 'wait', figures };
    const isBeyond = fails === 'above' ? updated.value > allowed : updated.value < allowed;
    return { result: isBeyond ? 'fail' : 'pass', figures };
  },
};

/** Each condition with its figures. */
export function judge(conditions: readonly GateCondition[], facts: GateFacts): readonly Verdict[] {
  return conditions.map((condition) => ({
    type: condition.type,
    ...(EVALUATORS[condition.type] as Evaluator<GateCondition>)(condition, facts),
  }));
}

/** Of all together: one that fails decides; else one that waits. */
export function resultOf(verdicts: readonly Verdict[]): Verdict['result'] {
  if (verdicts.some(({ result }) => result === 'fail')) return 'fail';
  return verdicts.some(({ result }) => result === 'wait') ? 'wait' : 'pass';
}

function byShare(count: number, facts: GateFacts, max: number, figures: Record<string, number>) {
  const devices = sizeOf(facts);
  const all = { ...figures, devices, max };
  // More cannot become less.
  if (count > max * devices) return { result: 'fail' as const, figures: all };
  return { result: hasEnded(facts) ? ('pass' as const) : ('wait' as const), figures: all };
}

function hasEnded(facts: GateFacts): boolean {
  return facts.isComplete && open(facts) === 0;
}

/** Without those that had the version already. */
export function sizeOf({ counts, size }: Pick<GateFacts, 'counts' | 'size'>): number {
  return size - (counts.SKIPPED ?? 0) - (counts.CANCELLED ?? 0);
}

function sum({ counts }: GateFacts, states: readonly DeviceState[]): number {
  return states.reduce((all, state) => all + (counts[state] ?? 0), 0);
}

function open(facts: GateFacts): number {
  return Object.entries(facts.counts)
    .filter(([state]) => isOpenState(state as DeviceState))
    .reduce((all, [, count]) => all + count, 0);
}
