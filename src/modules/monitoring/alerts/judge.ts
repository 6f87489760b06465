import type { MetricValue } from '#platform/telemetry/telemetry.port.ts';
import type { Range, RuleTerms, Threshold } from '../rules/rules.ports.ts';

/*
 * The state machine of one rule and one device. It knows no clock, no store and no other device: the same rule,
 * state and readings give the same result, wherever and however often they are judged. docs/alerts.md says the
 * semantics in words, with examples.
 */

/**
 * `normal`: nothing. `pending`: the condition holds, but not for long enough (or the rule rests after an alert).
 * `active`: there is an alert.
 */
export type Phase = 'normal' | 'pending' | 'active';

/** All instants are the data's own time, epoch milliseconds; of `no_data`, all but the watermark are the server's. */
export interface PairState {
  readonly phase: Phase;
  /**
   * When pending: the reading with which the condition began to hold. Before any reading: since when the rule has been
   * about the device. For `no_data`: when the device was heard of last, and while active not before the alert began.
   */
  readonly since: number | null;
  /** When active: the reading with which the end of the condition began to hold. */
  readonly clearSince: number | null;
  /** The newest reading that was judged. What is not newer comes too late and changes nothing. */
  readonly watermark: number | null;
  /** When the latest alert was cleared. */
  readonly clearedAt: number | null;
}

export const FRESH_STATE: PairState = {
  phase: 'normal',
  since: null,
  clearSince: null,
  watermark: null,
  clearedAt: null,
};

/** A value of the rule's metric. */
export interface Reading {
  readonly timestamp: number;
  readonly value: MetricValue;
  /** When it arrived, by the server's clock, which `no_data` alone asks for. Absent: when it was measured. */
  readonly heardAt?: number;
}

export type Transition =
  /** An alert begins. `value` is null for `no_data`. */
  | { readonly kind: 'raised'; readonly at: number; readonly value: MetricValue | null }
  /** The condition held `count` more times; `at` and `value` are of the last one. */
  | { readonly kind: 'seen'; readonly at: number; readonly value: MetricValue; readonly count: number }
  /** `value` is the one that ended it; null for `no_data`, and for an end that no value brought about. */
  | { readonly kind: 'cleared'; readonly at: number; readonly value: MetricValue | null };

export interface Judgement {
  /** The very state that was given when nothing changed. */
  readonly state: PairState;
  /** In the order in which they happened. */
  readonly transitions: readonly Transition[];
}

/**
 * Judges readings, which are in order of time; those that are not newer than the watermark change nothing. (For
 * `no_data` they are a sign of life all the same.)
 * @param mostTransitions no reading is judged any more after so many; the watermark says which were
 */
export function judge(
  terms: RuleTerms,
  state: PairState,
  readings: readonly Reading[],
  mostTransitions = Number.POSITIVE_INFINITY,
): Judgement {
  const transitions: Transition[] = [];
  let current = state;
  const judgeOne = terms.condition === 'no_data' ? afterSign : afterReading;
  for (const reading of readings) {
    if (isLate(terms, current, reading)) continue;
    if (transitions.length >= mostTransitions) break;
    current = judgeOne(terms, current, reading, transitions);
  }
  return { state: current, transitions };
}

/**
 * Judges silence, for `no_data`: nothing was heard by `now`. The server's clock alone decides: by its own time stamps
 * a device whose clock is slow would be silent for ever, however often it sends.
 * @param listeningSince silence before that is not the device's: nobody listened
 */
export function judgeSilence(terms: RuleTerms, state: PairState, now: number, listeningSince: number): Judgement {
  // A state of an earlier version knows only the time stamp.
  const expectedSince = state.since ?? state.watermark;
  if (terms.condition !== 'no_data' || state.phase === 'active' || expectedSince === null) {
    return { state, transitions: [] };
  }
  const silentFor = terms.forSeconds * 1_000;
  const at = Math.max(expectedSince + silentFor, restsUntil(terms, state));
  if (now < at || now < listeningSince + silentFor) return { state, transitions: [] };
  return {
    state: { ...state, phase: 'active', since: at, clearSince: null },
    transitions: [{ kind: 'raised', at, value: null }],
  };
}

function afterReading(terms: RuleTerms, state: PairState, reading: Reading, transitions: Transition[]): PairState {
  const { timestamp, value } = reading;
  const holds = conditionHolds(terms, value);
  if (holds === null) return state;
  const now = { ...state, watermark: timestamp };
  if (state.phase === 'active') {
    if (holds) {
      noteSeen(transitions, timestamp, value);
      return { ...now, clearSince: null };
    }
    if (!hasEnded(terms, value)) return { ...now, clearSince: null };
    return afterEnd(terms, now, timestamp, value, transitions);
  }
  if (!holds) return { ...now, phase: 'normal', since: null };
  const since = state.phase === 'pending' ? (state.since ?? timestamp) : timestamp;
  if (timestamp - since < terms.forSeconds * 1_000 || timestamp < restsUntil(terms, state)) {
    return { ...now, phase: 'pending', since };
  }
  transitions.push({ kind: 'raised', at: timestamp, value });
  return { ...now, phase: 'active', since: null, clearSince: null };
}

/** What a device shows, for `offline`. Instants are the server's. */
export interface StatusReading {
  readonly isOffline: boolean;
  /** Since when, as far as it is known. */
  readonly since: number;
}

/**
 * Judges a status, for `offline`: as a value that stays as it is until another one comes, so that durations end by the
 * clock. Looking again changes nothing unless a duration is over.
 */
export function judgeStatus(
  terms: RuleTerms,
  state: PairState,
  { isOffline, since }: StatusReading,
  now: number,
): Judgement {
  const asValue: RuleTerms = { ...terms, condition: 'eq', threshold: true, clearThreshold: null };
  const transitions: Transition[] = [];
  let current = state;
  const look = (timestamp: number) => {
    const judged = judge(asValue, current, [{ timestamp, value: isOffline }]);
    current = judged.state;
    transitions.push(...judged.transitions);
  };
  const seemsOffline = state.phase === 'pending' || (state.phase === 'active' && state.clearSince === null);
  if (isOffline !== seemsOffline) look(Math.max(since, (state.watermark ?? since - 1) + 1));
  const due = nextDue(terms, current);
  if (due !== null && due <= now) look(Math.max(due, (current.watermark ?? due - 1) + 1));
  return { state: current, transitions: transitions.flatMap(withoutValue) };
}

/** When a duration of `offline` is over. */
function nextDue(terms: RuleTerms, state: PairState): number | null {
  if (state.phase === 'pending' && state.since !== null) {
    return Math.max(state.since + terms.forSeconds * 1_000, restsUntil(terms, state));
  }
  if (state.phase === 'active' && state.clearSince !== null) return state.clearSince + terms.clearForSeconds * 1_000;
  return null;
}

function withoutValue(transition: Transition): readonly Transition[] {
  return transition.kind === 'seen' ? [] : [{ ...transition, value: null }];
}

function isLate({ condition }: RuleTerms, { watermark, since }: PairState, reading: Reading): boolean {
  if (watermark === null || reading.timestamp > watermark) return false;
  // A device whose clock was put back goes on sending. What was judged already was heard no later than `since`.
  return condition !== 'no_data' || (reading.heardAt ?? reading.timestamp) <= (since ?? watermark);
}

/** A sign of life, for `no_data`. */
function afterSign(terms: RuleTerms, state: PairState, reading: Reading, transitions: Transition[]): PairState {
  const { timestamp, heardAt = timestamp } = reading;
  // Never backwards, whatever the clocks do: an alert ends when it began, or later.
  const since = Math.max(heardAt, state.since ?? heardAt);
  const now = { ...state, since, watermark: Math.max(timestamp, state.watermark ?? timestamp) };
  if (state.phase !== 'active') return now;
  const silentAgain = since - (state.since ?? since) >= terms.forSeconds * 1_000;
  const ended = afterEnd(terms, silentAgain ? { ...now, clearSince: null } : now, since, null, transitions);
  return { ...ended, since };
}

/** The alert is over once its end has held for long enough. */
function afterEnd(
  terms: RuleTerms,
  state: PairState,
  at: number,
  value: MetricValue | null,
  transitions: Transition[],
): PairState {
  const clearSince = state.clearSince ?? at;
  if (at - clearSince < terms.clearForSeconds * 1_000) return { ...state, clearSince };
  transitions.push({ kind: 'cleared', at, value });
  return { ...state, phase: 'normal', since: null, clearSince: null, clearedAt: at };
}

function restsUntil({ cooldownSeconds }: RuleTerms, { clearedAt }: PairState): number {
  return clearedAt === null ? Number.NEGATIVE_INFINITY : clearedAt + cooldownSeconds * 1_000;
}

function noteSeen(transitions: Transition[], at: number, value: MetricValue): void {
  const last = transitions.at(-1);
  if (last?.kind === 'seen') transitions[transitions.length - 1] = { kind: 'seen', at, value, count: last.count + 1 };
  else transitions.push({ kind: 'seen', at, value, count: 1 });
}

/** Null: the value cannot be compared, so it is as if it were not there. */
function conditionHolds({ condition, threshold }: RuleTerms, value: MetricValue): boolean | null {
  if (condition === 'eq') return isSame(value, threshold);
  if (condition === 'ne') return !isSame(value, threshold);
  const number = toNumber(value);
  if (number === null) return null;
  if (condition === 'outside' || condition === 'inside') {
    const [low, high] = threshold as Range;
    return condition === 'inside' ? number >= low && number <= high : number < low || number > high;
  }
  const limit = threshold as number;
  if (condition === 'gt') return number > limit;
  if (condition === 'gte') return number >= limit;
  if (condition === 'lt') return number < limit;
  return number <= limit;
}

/** Whether a value for which the condition does not hold is far enough from it to end the alert. */
function hasEnded({ condition, clearThreshold }: RuleTerms, value: MetricValue): boolean {
  if (clearThreshold === null) return true;
  const number = toNumber(value);
  if (number === null) return true;
  if (condition === 'gt' || condition === 'gte') return number <= (clearThreshold as number);
  if (condition === 'lt' || condition === 'lte') return number >= (clearThreshold as number);
  const [low, high] = clearThreshold as Range;
  return condition === 'outside' ? number >= low && number <= high : number <= low || number >= high;
}

/** true and false count as 1 and 0; a string is no number. */
function toNumber(value: MetricValue): number | null {
  if (typeof value === 'number') return value;
  return typeof value === 'boolean' ? Number(value) : null;
}

function isSame(value: MetricValue, threshold: Threshold | null): boolean {
  if (value === threshold) return true;
  if (typeof value === 'string' || typeof threshold === 'string') return false;
  return toNumber(value) === toNumber(threshold as number | boolean);
}
