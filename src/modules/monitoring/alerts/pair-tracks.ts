import type { DeviceFacts } from '#modules/devices/index.ts';
import type { Sample } from '#platform/telemetry/telemetry.port.ts';
import type { AlertRule } from '../rules/rules.ports.ts';
import type { PairChange, StoredState } from './evaluation.ports.ts';
import {
  FRESH_STATE,
  type Judgement,
  judge,
  judgeSilence,
  judgeStatus,
  type PairState,
  type Reading,
  type StatusReading,
  type Transition,
} from './judge.ts';
import type { DevicePlan } from './rule-index.ts';

/** One rule and one device while they are judged. */
export interface PairTrack {
  readonly rule: AlertRule;
  readonly device: DeviceFacts;
  readonly before: StoredState | null;
  state: PairState;
  readonly transitions: Transition[];
}

/**
 * A value that flaps raises and clears with every sample. So many transitions of a pair are stored at a time, so that
 * it holds up neither the event loop nor the other rules; what follows is judged in the next round.
 */
const MOST_TRANSITIONS = 64;
/** Before every time stamp that is taken. */
const EVERYTHING = 0;

/** Whether readings may be left that were not judged. */
export function isFull({ transitions }: PairTrack): boolean {
  return transitions.length >= MOST_TRANSITIONS;
}

/**
 * @param known what is stored of the device, by rule
 * @param joinedAt when the device came to be what it is, if that has just changed
 */
export function openTracks(plan: DevicePlan, known: ReadonlyMap<number, StoredState>, joinedAt = 0): PairTrack[] {
  return plan.rules.map((rule) => {
    const stored = known.get(rule.id);
    const before = stored?.revision === rule.revision ? stored : null;
    const since = Math.max(rule.activatedAt ?? 0, plan.device.createdAt, joinedAt);
    return { rule, device: plan.device, before, state: before ?? { ...FRESH_STATE, since }, transitions: [] };
  });
}

/** From where on stored samples count that the rule has not judged. */
export function unjudgedSince({ device, before, state }: PairTrack): number {
  return state.watermark ?? before?.baseline ?? baselineOf(device, state);
}

/**
 * The newest time stamp that was stored when a rule came to be about a device, of a pair of which nothing was known.
 * All that a device sent that was registered later came later, whatever its clock says.
 */
export function baselineOf({ createdAt }: DeviceFacts, { since }: Pick<PairState, 'since'>): number {
  return since !== null && since > createdAt ? since : EVERYTHING;
}

/**
 * @param samples of the device, in order of time
 * @param heardAt when the last of them arrived; of what is read from the store, now
 */
export function judgeSamples(
  tracks: readonly PairTrack[],
  samples: readonly Sample[],
  heardAt: number,
  fromStore: boolean,
): void {
  for (const track of tracks) {
    const after = fromStore ? unjudgedSince(track) : Number.NEGATIVE_INFINITY;
    const measured = readingsOf(track.rule.metric, samples, after);
    const readings =
      track.rule.condition === 'no_data' ? measured.map((reading) => ({ ...reading, heardAt })) : measured;
    const left = MOST_TRANSITIONS - track.transitions.length;
    if (readings.length > 0) apply(track, judge(track.rule, track.state, readings, left));
  }
}

export function judgeSilences(tracks: readonly PairTrack[], now: number, listeningSince: number): void {
  for (const track of tracks) apply(track, judgeSilence(track.rule, track.state, now, listeningSince));
}

export function judgeStatuses(tracks: readonly PairTrack[], status: StatusReading, now: number): void {
  for (const track of tracks) {
    if (track.rule.condition !== 'offline') continue;
    // It does not count before the rule is about the device.
    const since = Math.max(status.since, track.state.watermark === null ? (track.state.since ?? 0) : 0);
    apply(track, judgeStatus(track.rule, track.state, { ...status, since }, now));
  }
}

function apply(track: PairTrack, { state, transitions }: Judgement): void {
  track.state = state;
  track.transitions.push(...transitions);
}

/** The values of one metric. Of several with one time the last counts, as in the store. */
export function readingsOf(metric: string, samples: readonly Sample[], after: number): readonly Reading[] {
  const readings: Reading[] = [];
  for (const { timestamp, metrics } of samples) {
    if (timestamp <= after || !Object.hasOwn(metrics, metric)) continue;
    const reading = { timestamp, value: metrics[metric] as Reading['value'] };
    if (readings.at(-1)?.timestamp === timestamp) readings[readings.length - 1] = reading;
    else readings.push(reading);
  }
  return readings;
}

/** Samples in order of time; in their own order where that is the same. */
export function inOrder(samples: Sample[]): Sample[] {
  for (let index = 1; index < samples.length; index += 1) {
    if ((samples[index]?.timestamp ?? 0) < (samples[index - 1]?.timestamp ?? 0)) {
      return samples.sort((a, b) => a.timestamp - b.timestamp);
    }
  }
  return samples;
}

/** What has to be stored. `always`: states that were only looked at, too, so that they are known from now on. */
export function changesOf(plan: DevicePlan, tracks: readonly PairTrack[], always: boolean): PairChange[] {
  return tracks
    .filter(({ before, state, transitions }) => {
      if (transitions.length > 0) return true;
      if (before !== null) return state !== before;
      return state.watermark !== null || always;
    })
    .map(({ rule, before, state, transitions }) => ({ rule, device: plan.device, before, after: state, transitions }));
}
