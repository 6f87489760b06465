import type { Clock } from '#kernel/clock.ts';
import { coalesce, giveWay } from '#kernel/concurrency.ts';
import { defined } from '#kernel/defined.ts';
import type { EventBus } from '#kernel/events.ts';
import type { Component } from '#kernel/lifecycle.ts';
import type { Logger } from '#kernel/logger.ts';
import type { DevicesApi } from '#modules/devices/index.ts';
import type { LatestValue, Sample, TelemetryStore } from '#platform/telemetry/telemetry.port.ts';
import type { PairChange, SaveResult, StateStore, StoredState } from './evaluation.ports.ts';
import {
  changesOf,
  inOrder,
  isFull,
  judgeSamples,
  judgeSilences,
  judgeStatuses,
  openTracks,
  type PairTrack,
  unjudgedSince,
} from './pair-tracks.ts';
import type { DevicePlan, DevicePlans, RuleIndex } from './rule-index.ts';
import { SILENCE_ALLOWANCE_MS } from './silence.ts';
import { createStateCache } from './state-cache.ts';

export interface EvaluationDeps {
  readonly plans: DevicePlans;
  readonly index: Pick<RuleIndex, 'get'>;
  /** Asks for rules again that are not what is stored. */
  readonly refresh: (ruleId: number) => Promise<void>;
  readonly states: StateStore;
  readonly telemetry: Pick<TelemetryStore, 'history' | 'latest'>;
  readonly devices: Pick<DevicesApi, 'statusOf'>;
  readonly clock: Clock;
  readonly events: EventBus;
  readonly logger: Logger;
  readonly options: EvaluationOptions;
}

export interface EvaluationOptions {
  /** No other process takes in samples: what this one knows is all there is, and nothing is read back. */
  readonly alone: boolean;
  /** Between what arrives and its judgement. With other processes: time for what they take in to be stored, too. */
  readonly delayMs: number;
  /** Samples of all devices that are kept for judgement, beyond which they are read back. Default 500,000. */
  readonly maxKept?: number;
}

/** Why devices are looked at again. */
export interface Recheck {
  /** Silence counts from here on at the earliest, epoch milliseconds; absent: silence is not judged. */
  readonly listeningSince?: number;
  /** Since when the devices are what they are, if that has just changed: what was measured before does not count. */
  readonly joinedAt?: number;
  /** The status is judged, too: what it is, since then at the latest. */
  readonly statusAt?: number;
}

/**
 * Judges what was stored, in rounds: all that came since the last one is judged in order of time, and states, alerts
 * and notifications are stored together. A round that did not happen is made up for by the next, wherever it runs:
 * what is newer in the telemetry store than a state's watermark has not been judged.
 */
export interface Evaluation extends Component {
  /** Committed samples, on the hot path: nothing is judged before the next round. */
  note(samples: readonly Sample[]): void;
  /** Judges these devices by what is stored. */
  recheck(deviceIds: readonly number[], how?: Recheck): void;
  /** The states of these devices were stored by somebody else: judges by them, and by what is stored. */
  begin(deviceIds: readonly number[]): void;
  /** Resolves when nothing is left to be judged, at once if so. */
  settled(): Promise<void>;
  /** Devices that wait for the next round. */
  waiting(): number;
  /** Samples that are kept for it. */
  kept(): number;
  /** Calls `listener` when notifications were stored. */
  onNotifications(listener: () => void): void;
}

interface Waiting {
  /** In the order of their arrival. */
  samples: Sample[];
  /** When each of them arrived, epoch milliseconds. */
  arrivals: number[];
  fromStore: boolean;
  listeningSince: number | null;
  joinedAt: number | null;
  /** Null: the status is not looked at. */
  statusAt: number | null;
}

const SLICE = 128;
/** What one transaction may do: a state, or an alert that goes on, weighs 1. */
const PART_WEIGHT = 128;
const RAISED_WEIGHT = 4;
const HISTORY_PAGE = 1_000;
/** Samples of one device above which they are read back instead of being kept. */
const MAX_KEPT = 20_000;
/** The same for all devices together: some seconds of the most that comes in. */
const MAX_KEPT_IN_ALL = 500_000;
const ONE_DAY_MS = 86_400_000;
/** After a round, nothing is judged for this many times as long as it took, so that ingest gets the rest. */
const PAUSE_FACTOR = 6;
const LONGEST_PAUSE_MS = 2_000;
const RETRY_MS = 1_000;

export function createEvaluation(deps: EvaluationDeps): Evaluation {
  const { plans, index, refresh, states, telemetry, devices, clock, events, logger, options } = deps;
  const cache = createStateCache(states, options.alone);
  const { maxKept = MAX_KEPT_IN_ALL } = options;
  let waiting = new Map<number, Waiting>();
  /** Samples in `waiting`. */
  let kept = 0;
  let timer: NodeJS.Timeout | undefined;
  let notBefore = 0;
  let stopped = false;
  let told: () => void = () => {};

  function entry(deviceId: number): Waiting {
    let found = waiting.get(deviceId);
    if (found === undefined) {
      found = { samples: [], arrivals: [], fromStore: false, listeningSince: null, joinedAt: null, statusAt: null };
      waiting.set(deviceId, found);
    }
    return found;
  }

  function schedule(): void {
    if (timer !== undefined || rounds.current() !== undefined || stopped || waiting.size === 0) return;
    timer = setTimeout(
      () => {
        timer = undefined;
        void rounds.run();
      },
      Math.max(options.delayMs, notBefore - performance.now()),
    ).unref();
  }

  const rounds = coalesce(round, schedule);

  async function round(): Promise<void> {
    const taken = [...waiting];
    waiting = new Map();
    kept = 0;
    const startedAt = performance.now();
    let failed = false;
    for (let from = 0; from < taken.length; from += SLICE) {
      const slice = taken.slice(from, from + SLICE);
      try {
        await judgeSlice(new Map(slice));
      } catch (error) {
        failed = true;
        logger.warn({ err: error, devices: slice.length }, 'judging alert rules failed; it is tried again');
        for (const [deviceId, work] of slice) putBack(deviceId, work);
      }
      await giveWay();
    }
    const pause = Math.min((performance.now() - startedAt) * PAUSE_FACTOR, LONGEST_PAUSE_MS);
    notBefore = performance.now() + (failed ? RETRY_MS : pause);
  }

  /** What came meanwhile came later. */
  function putBack(
    deviceId: number,
    { samples, arrivals, fromStore, listeningSince, joinedAt, statusAt }: Waiting,
  ): void {
    const now = entry(deviceId);
    now.samples = [...samples, ...now.samples];
    now.arrivals = [...arrivals, ...now.arrivals];
    kept += samples.length;
    now.fromStore ||= fromStore;
    now.listeningSince ??= listeningSince;
    now.joinedAt ??= joinedAt;
    now.statusAt ??= statusAt;
    bound(now);
    cache.forget(deviceId);
  }

  /** While the store of the states is away everything waits, and must not fill the memory. */
  function bound(work: Waiting): void {
    if (work.samples.length <= MAX_KEPT && kept <= maxKept) return;
    kept -= work.samples.length;
    work.samples = [];
    work.arrivals = [];
    work.fromStore = true;
  }

  async function judgeSlice(slice: ReadonlyMap<number, Waiting>): Promise<void> {
    const found = await plans.resolve([...slice.keys()]);
    const known = await cache.load([...found.keys()]);
    const changes: PairChange[] = [];
    const unfinished: number[] = [];
    for (const [deviceId, work] of slice) {
      const plan = found.get(deviceId);
      const ofDevice = known.get(deviceId);
      if (plan === undefined || ofDevice === undefined) continue;
      const judged = await judgeDevice(plan, ofDevice, work);
      changes.push(...judged.changes);
      if (!judged.finished) unfinished.push(deviceId);
    }
    const now = clock.now();
    for (const part of inParts(changes)) {
      await settle(part, await states.save(part, now), slice, now);
      await giveWay();
    }
    // The rest of them is in the store.
    for (const deviceId of unfinished) entry(deviceId).fromStore = true;
  }

  async function judgeDevice(
    plan: DevicePlan,
    known: ReadonlyMap<number, StoredState>,
    work: Waiting,
  ): Promise<{ readonly changes: readonly PairChange[]; readonly finished: boolean }> {
    const all = openTracks(plan, known, work.joinedAt ?? undefined);
    const tracks = all.filter(({ rule }) => rule.condition !== 'offline');
    const byStatus = all.filter(({ rule }) => rule.condition === 'offline');
    if (work.statusAt !== null && byStatus.length > 0) {
      const isOffline = (await devices.statusOf(plan.device.deviceId)) === 'OFFLINE';
      judgeStatuses(byStatus, { isOffline, since: work.statusAt }, clock.now());
    }
    if (options.alone && !work.fromStore) judgeArrived(tracks, work, () => true);
    else if (tracks.length > 0) await judgeStored(plan, tracks, work);
    const finished = !tracks.some(isFull);
    if (work.listeningSince !== null && finished)
      judgeSilences(tracks, clock.now() - SILENCE_ALLOWANCE_MS, work.listeningSince);
    const always = work.listeningSince !== null || work.joinedAt !== null;
    const changes = [...changesOf(plan, tracks, always), ...changesOf(plan, byStatus, work.statusAt !== null)];
    return { changes: work.fromStore ? [...changes, ...leftBehind(plan, known)] : changes, finished };
  }

  /**
   * Everything in the store that has not been judged, whoever took it in. Each rule from where it is, and only if there
   * is something: one whose metric is rare, or never sent, would have all of the device's history read in each round.
   */
  async function judgeStored({ device }: DevicePlan, tracks: readonly PairTrack[], work: Waiting): Promise<void> {
    const latest = tracks.every((track) => hasArrived(track, work)) ? null : await telemetry.latest(device.deviceId);
    for (const [from, together] of Map.groupBy(tracks, unjudgedSince)) {
      // Of a rule that had judged nothing: what came while it was there, although it was measured before.
      judgeArrived(together, work, ({ timestamp }) => timestamp <= from);
      const behind = latest === null ? together : together.filter((track) => hasNewer(track, latest, from));
      if (behind.length > 0) await judgeHistory(device.deviceId, behind, from);
    }
  }

  async function judgeHistory(deviceId: number, tracks: readonly PairTrack[], from: number): Promise<void> {
    let after: number | undefined;
    for (;;) {
      const page = await telemetry.history({
        deviceId,
        start: from + 1,
        end: clock.now() + ONE_DAY_MS,
        metrics: [...new Set(tracks.map(({ rule }) => rule.metric))],
        order: 'asc',
        limit: HISTORY_PAGE,
        ...defined({ after }),
      });
      const samples = page.samples.map((sample) => ({ deviceId, ...sample }));
      judgeSamples(tracks, samples, clock.now(), true);
      if (tracks.some(isFull) || page.next === null) return;
      after = page.next;
    }
  }

  /** States of rules that are about the device no longer: it changed its group or its type. */
  function leftBehind(plan: DevicePlan, known: ReadonlyMap<number, StoredState>): readonly PairChange[] {
    return [...known.values()].flatMap((before): readonly PairChange[] => {
      const rule = index.get(before.ruleId);
      // A rule that is not known here, or not in this form, may be about the device all the same.
      if (rule === undefined || rule.revision !== before.revision || plan.rules.includes(rule)) return [];
      return [
        {
          rule,
          device: plan.device,
          before,
          after: null,
          transitions: [{ kind: 'cleared', at: clock.now(), value: null }],
        },
      ];
    });
  }

  async function settle(
    part: readonly PairChange[],
    saved: SaveResult,
    slice: ReadonlyMap<number, Waiting>,
    now: number,
  ): Promise<void> {
    const stale = new Set(saved.stale);
    for (const change of part) if (!stale.has(change)) cache.keep(change);
    for (const { type, alert } of saved.events) events.emit(type, now, { alert });
    if (saved.notifies) told();
    for (const ruleId of new Set(saved.stale.map(({ rule }) => rule.id))) await refresh(ruleId);
    for (const deviceId of new Set(saved.stale.map(({ device }) => device.deviceId))) {
      const work = slice.get(deviceId);
      if (work !== undefined) putBack(deviceId, { ...work, fromStore: true });
    }
  }

  function recheck(deviceIds: readonly number[], { listeningSince, joinedAt, statusAt }: Recheck = {}): void {
    for (const deviceId of deviceIds) {
      const work = entry(deviceId);
      work.fromStore = true;
      if (listeningSince !== undefined) work.listeningSince = listeningSince;
      if (joinedAt !== undefined) work.joinedAt = joinedAt;
      if (statusAt !== undefined) work.statusAt = statusAt;
    }
    schedule();
  }

  return {
    name: 'alert rules',
    note(samples) {
      const now = clock.now();
      for (const sample of samples) {
        if (!plans.concerns(sample)) continue;
        const work = entry(sample.deviceId);
        work.samples.push(sample);
        work.arrivals.push(now);
        kept += 1;
        if (work.samples.length > MAX_KEPT || kept > maxKept) bound(work);
      }
      schedule();
    },
    recheck,
    begin(deviceIds) {
      for (const deviceId of deviceIds) cache.forget(deviceId);
      recheck(deviceIds, { statusAt: clock.now() });
    },
    async settled() {
      while (waiting.size > 0 || rounds.current() !== undefined) await rounds.run();
    },
    waiting: () => waiting.size,
    kept: () => kept,
    onNotifications(listener) {
      told = listener;
    },
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await rounds.current();
      // What could not be judged now is judged at the next start.
      if (waiting.size > 0) await rounds.run();
    },
  };
}

/** Changes that are stored together: a few milliseconds of work, so that requests have their turn in between. */
function* inParts(changes: readonly PairChange[]): Generator<readonly PairChange[]> {
  let part: PairChange[] = [];
  let weight = 0;
  for (const change of changes) {
    part.push(change);
    weight += 1 + change.transitions.reduce((sum, { kind }) => sum + (kind === 'seen' ? 1 : RAISED_WEIGHT), 0);
    if (weight < PART_WEIGHT) continue;
    yield part;
    part = [];
    weight = 0;
  }
  if (part.length > 0) yield part;
}

/** Judges what this process took in. Of a rule that has judged nothing yet: what came since it is about the device. */
function judgeArrived(tracks: readonly PairTrack[], work: Waiting, wanted: (sample: Sample) => boolean): void {
  const all = inOrder(work.samples.filter(wanted));
  const heardAt = work.arrivals.at(-1) ?? 0;
  for (const track of tracks) {
    const since = track.state.since ?? 0;
    const tooEarly = track.state.watermark === null && work.arrivals.some((arrivedAt) => arrivedAt < since);
    const inTime = (sample: Sample, index: number) => (work.arrivals[index] ?? 0) >= since && wanted(sample);
    judgeSamples([track], tooEarly ? inOrder(work.samples.filter(inTime)) : all, heardAt, false);
  }
}

function hasArrived({ rule }: PairTrack, { samples }: Waiting): boolean {
  return samples.some(({ metrics }) => Object.hasOwn(metrics, rule.metric));
}

function hasNewer({ rule }: PairTrack, latest: Readonly<Record<string, LatestValue>>, from: number): boolean {
  return Object.hasOwn(latest, rule.metric) && (latest[rule.metric]?.timestamp ?? 0) > from;
}
