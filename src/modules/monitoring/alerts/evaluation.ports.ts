import type { DeviceFacts } from '#modules/devices/index.ts';
import type { AlertRule } from '../rules/rules.ports.ts';
import type { Alert } from './alerts.ports.ts';
import type { PairState, Transition } from './judge.ts';

/** What is known of one rule and one device. */
export interface StoredState extends PairState {
  readonly ruleId: number;
  readonly deviceId: number;
  /** Of the rule by which it was judged. */
  readonly revision: number;
  /** Grows with every write. */
  readonly version: number;
  /**
   * The newest time stamp of the metric that was stored when the rule came to be about the device: until the first
   * judgement, what is stored and newer has not been judged. Null: it was stored by an earlier version.
   */
  readonly baseline: number | null;
}

/** A device when a rule begins to judge it. */
export interface Baseline {
  readonly deviceId: number;
  readonly baseline: number;
}

/** What became of one rule and one device. */
export interface PairChange {
  readonly rule: AlertRule;
  readonly device: DeviceFacts;
  /** By which it was judged; null: nothing was known. */
  readonly before: StoredState | null;
  /** Null: the rule is not about the device any more. */
  readonly after: PairState | null;
  readonly transitions: readonly Transition[];
}

export interface AlertEvent {
  readonly type: 'alert.raised' | 'alert.cleared';
  readonly alert: Alert;
}

export interface SaveResult {
  /** Alerts that began or ended, in order. */
  readonly events: readonly AlertEvent[];
  /** Not stored: another process was faster, or the rule has changed. They have to be judged again. */
  readonly stale: readonly PairChange[];
  /** Whether there are notifications to be sent. */
  readonly notifies: boolean;
}

/** Where the state of rules and devices is kept, beside their alerts. */
export interface StateStore {
  /** Everything that is known of these devices, up to a few hundred. */
  load(deviceIds: readonly number[]): Promise<readonly StoredState[]>;
  /**
   * States, alerts and notifications in one transaction; a pair whose state is not `before` any more, or whose rule
   * is not what it was, is left out. Up to a few hundred.
   */
  save(changes: readonly PairChange[], at: number): Promise<SaveResult>;
  /**
   * Notes where devices stand when a rule begins, up to a few hundred; those that are known are left alone. Nothing,
   * when the rule has another revision by now.
   */
  begin(rule: Pick<AlertRule, 'id' | 'revision'>, devices: readonly Baseline[], at: number): Promise<void>;
  /** Devices of which something is known, with an id above `afterId`, by id, `limit` at the most. */
  deviceIdsAfter(afterId: number, limit: number): Promise<readonly number[]>;
  /** Which of these devices nothing is known of for a rule. */
  unknownTo(rule: Pick<AlertRule, 'id' | 'revision'>, deviceIds: readonly number[]): Promise<readonly number[]>;
  /** Devices of a rule for `offline` for which a duration is over by `now`, by id, `limit` at the most. */
  statusDue(
    rule: Pick<AlertRule, 'id' | 'forSeconds' | 'clearForSeconds'>,
    now: number,
    afterId: number,
    limit: number,
  ): Promise<readonly number[]>;
  /** Devices without an alert whose newest reading for the rule is from before `before`, by id, `limit` at the most. */
  silentSince(ruleId: number, before: number, afterId: number, limit: number): Promise<readonly number[]>;
}

/** Which process watches for silence: one at a time. */
export interface WatchStore {
  /**
   * Takes or keeps the watch until `until`.
   * @returns since when somebody has been listening without a break longer than `longestBreakMs`; null: another
   * process has the watch
   */
  keep(owner: string, now: number, until: number, longestBreakMs: number): Promise<number | null>;
}

/** A notification that was stored with its alert and is not a job yet. */
export interface OutboxRow<T> {
  readonly id: number;
  readonly notification: T;
}

export interface OutboxStore<T> {
  /** The oldest ones. */
  oldest(limit: number): Promise<readonly OutboxRow<T>[]>;
  remove(id: number): Promise<void>;
}
