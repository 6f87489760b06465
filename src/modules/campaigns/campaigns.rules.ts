/*
 * What happens to one device of a campaign, without stores, brokers and clocks.
 *
 *   QUEUED ──▶ OFFERED ──▶ DOWNLOADING ──▶ DOWNLOADED ──▶ INSTALLING ──▶ SUCCEEDED: it reports the new version
 *     ▲           │             │               │              └───────▶ FAILED: it reports another one (rolled_back)
 *     └───────────┴─────────────┴───────────────┴── an error or a time-out, while tries are left; else FAILED, TIMED_OUT
 *
 * REJECTED by the device, CANCELLED with the campaign, SKIPPED because it has the version already.
 */

export const OPEN_DEVICE_STATES = ['QUEUED', 'OFFERED', 'DOWNLOADING', 'DOWNLOADED', 'INSTALLING'] as const;
const FINAL_DEVICE_STATES = ['SUCCEEDED', 'FAILED', 'TIMED_OUT', 'REJECTED', 'CANCELLED', 'SKIPPED'] as const;
export const DEVICE_STATES = [...OPEN_DEVICE_STATES, ...FINAL_DEVICE_STATES] as const;
export type OpenDeviceState = (typeof OPEN_DEVICE_STATES)[number];
export type DeviceState = (typeof DEVICE_STATES)[number];

export type OtaAnswer = 'downloading' | 'downloaded' | 'installing' | 'success' | 'error' | 'rejected';

export type OtaSignal =
  | { readonly kind: 'released' | 'offered' | 'cancelled' }
  | {
      readonly kind: 'answer';
      readonly answer: OtaAnswer;
      readonly percent: number | null;
      readonly error: string | null;
    }
  /** The device says which firmware it runs. */
  | { readonly kind: 'reported'; readonly version: string }
  /** `held`: nothing can be offered now. */
  | { readonly kind: 'time'; readonly held?: Held | null };

/** Why nothing can be offered; and until when a device that waits is waited for, epoch milliseconds. */
export interface Held {
  readonly reason: 'paused' | 'outside_window';
  readonly until: number;
}

/** Milliseconds. */
export interface OtaTimeouts {
  /** From its release until it was there to get the offer. */
  readonly seen: number;
  readonly offered: number;
  readonly downloading: number;
  readonly installing: number;
}

export interface OtaPlan {
  readonly version: string;
  /** Tries, the first one included. */
  readonly attempts: number;
  /** Before the second try; twice as long before each further one. Milliseconds. */
  readonly backoff: number;
  readonly timeouts: OtaTimeouts;
}

export interface OtaFacts {
  readonly state: DeviceState;
  /** Whether its stage was reached. */
  readonly isReleased: boolean;
  /** Offers that were begun. */
  readonly attempts: number;
  readonly progress: number | null;
  /** Why it is where it is: a code, or the device's words. */
  readonly reason: string | null;
  /** When something happens by itself: a time-out, or the next try. Epoch milliseconds; null: nothing does. */
  readonly dueAt: number | null;
}

const LONGEST_BACKOFF = 86_400_000;

export function isOpenState(state: DeviceState): state is OpenDeviceState {
  return OPEN_DEVICE_STATES.some((open) => open === state);
}

/** @param at epoch milliseconds @returns the device afterwards; the same object when nothing changes */
export function afterOtaSignal(facts: OtaFacts, plan: OtaPlan, signal: OtaSignal, at: number): OtaFacts {
  const { state } = facts;
  if (!isOpenState(state)) return facts;
  const to = (next: DeviceState, more: Partial<OtaFacts> = {}): OtaFacts => ({
    ...facts,
    state: next,
    dueAt: dueAfter(next, plan, at),
    ...more,
  });
  switch (signal.kind) {
    case 'released':
      return facts.isReleased ? facts : { ...facts, isReleased: true, dueAt: at + plan.timeouts.seen };
    case 'offered':
      if (state !== 'QUEUED') return facts;
      return to('OFFERED', { attempts: facts.attempts + 1, progress: null, reason: null });
    case 'cancelled':
      return to('CANCELLED');
    case 'reported':
      if (signal.version === plan.version) return to(facts.attempts > 0 ? 'SUCCEEDED' : 'SKIPPED', { reason: null });
      return state === 'INSTALLING' ? to('FAILED', { reason: 'rolled_back' }) : facts;
    case 'answer':
      return facts.attempts === 0 ? facts : afterAnswer(facts, plan, signal, at, to);
    case 'time':
      return facts.dueAt === null || facts.dueAt > at ? facts : afterTime(facts, plan, signal.held ?? null, at, to);
  }
}

type To = (next: DeviceState, more?: Partial<OtaFacts>) => OtaFacts;

const ORDER: Readonly<Partial<Record<OtaAnswer, OpenDeviceState>>> = {
  downloading: 'DOWNLOADING',
  downloaded: 'DOWNLOADED',
  installing: 'INSTALLING',
  // It counts once the version is reported.
  success: 'INSTALLING',
};

function afterAnswer(
  facts: OtaFacts,
  plan: OtaPlan,
  { answer, percent, error }: Extract<OtaSignal, { kind: 'answer' }>,
  at: number,
  to: To,
): OtaFacts {
  if (answer === 'rejected') return to('REJECTED', { reason: error ?? 'rejected' });
  // It was taken note of already.
  if (answer === 'error' && facts.state === 'QUEUED') return facts;
  if (answer === 'error') return again(facts, plan, at, to, 'FAILED', error ?? 'error');
  const next = ORDER[answer] as OpenDeviceState;
  if (next !== facts.state) return to(next, { progress: percent });
  return percent === null || percent === facts.progress ? facts : { ...facts, progress: percent };
}

function afterTime(facts: OtaFacts, plan: OtaPlan, held: Held | null, at: number, to: To): OtaFacts {
  if (facts.state !== 'QUEUED') return again(facts, plan, at, to, 'TIMED_OUT', `${facts.state.toLowerCase()}_too_long`);
  // It is not the device that was not there.
  if (held !== null) return { ...facts, reason: held.reason, dueAt: held.until };
  // The pause before the next try is over: it has to be there again within the time.
  if (facts.attempts > 0 && !isPresenceAwaited(facts)) {
    return { ...facts, reason: 'not_seen', dueAt: at + plan.timeouts.seen };
  }
  return to('TIMED_OUT', { reason: 'not_seen' });
}

function again(facts: OtaFacts, plan: OtaPlan, at: number, to: To, end: DeviceState, reason: string): OtaFacts {
  if (facts.attempts >= plan.attempts) return to(end, { reason });
  const pause = Math.min(plan.backoff * 2 ** (facts.attempts - 1), LONGEST_BACKOFF);
  return to('QUEUED', { reason, progress: null, dueAt: at + pause });
}

function dueAfter(state: DeviceState, { timeouts }: OtaPlan, at: number): number | null {
  switch (state) {
    case 'OFFERED':
      return at + timeouts.offered;
    case 'DOWNLOADING':
    case 'DOWNLOADED':
      return at + timeouts.downloading;
    case 'INSTALLING':
      return at + timeouts.installing;
    default:
      return null;
  }
}

/** Whether it may be offered the image now. */
export function isOfferable(facts: OtaFacts, at: number): boolean {
  if (facts.state !== 'QUEUED' || !facts.isReleased) return false;
  return facts.attempts === 0 || isPresenceAwaited(facts) || (facts.dueAt ?? 0) <= at;
}

/** No pause keeps it back: it only has to be there. */
function isPresenceAwaited({ reason }: OtaFacts): boolean {
  return reason === 'not_seen' || reason === 'outside_window' || reason === 'paused';
}

/**
 * Of the places that a device has in campaigns, oldest first, the one that it is to act upon now: it gets one image at a
 * time, and what it has begun comes before what waits.
 */
export function currentOf<T extends OtaFacts>(open: readonly T[], at: number): T | undefined {
  const released = open.filter(({ isReleased }) => isReleased);
  return released.find(({ state }) => state !== 'QUEUED') ?? released.find((each) => isOfferable(each, at));
}
