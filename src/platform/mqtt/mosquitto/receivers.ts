import { randomUUID } from 'node:crypto';
import { aborted, backoffMs } from '#kernel/concurrency.ts';
import type { Logger } from '#kernel/logger.ts';
import type { Leases } from '#platform/leases/leases.port.ts';
import type { Session } from './partition.ts';

/** A session that this process uses; see `Receiver`. */
export interface SessionUser {
  open(signal?: AbortSignal): Promise<void>;
  isUp(): boolean;
  drain(): Promise<void>;
  close(): Promise<void>;
}

export interface ReceiversOptions {
  readonly leases: Leases;
  readonly sessions: readonly Session[];
  readonly logger: Logger;
  /** @param onLost its connection is over */
  readonly use: (session: Session, onLost: () => void) => SessionUser;
  /** When the broker was lost altogether, by `performance.now()`. */
  readonly brokerLostAt: () => number;
  /** How often the processes agree who has what; default 500 ms. */
  readonly roundMs?: number;
  /** After how long a silent process has lost its sessions; default 5 s. */
  readonly ttlMs?: number;
  /** Before a session that another client seems to have taken is taken back, if it still is ours; doubles. Default 10 s. */
  readonly yieldMs?: number;
}

/**
 * The sessions at the broker, divided among the processes that take messages: each its part, which it gives up when
 * others come, and grows when others go. Who uses a session is agreed on elsewhere (`Leases`), and the broker sees to
 * it that nobody else can: a second connection ends the first. So if two disagree for a moment, nothing is lost, and
 * neither takes a session back before the agreement says again that it is its own.
 */
export interface Receivers {
  /** Resolves when this process's part is connected. @throws AppError `unavailable`, in words for the operator */
  start(signal: AbortSignal): Promise<void>;
  /** Gives all back, after what was taken is acknowledged or `signal` aborts. */
  stop(signal: AbortSignal): Promise<void>;
  /** Whether every session of this process is connected. */
  isUp(): boolean;
}

interface Slot {
  readonly session: Session;
  readonly user: SessionUser;
  opening: Promise<void> | undefined;
  openedAt: number;
  /** Since its connection was lost. */
  lostAt: number | undefined;
  /** How often in a row it was lost alone, soon after it was taken. */
  losses: number;
  /** On its way to another process. */
  leaving: boolean;
  isClosed: boolean;
  /** We said that it is free, or are saying so. */
  isGiven: boolean;
}

const GROUP = 'mqtt-sessions';
const ROUND_MS = 500;
const TTL_MS = 5_000;
const YIELD_MS = 10_000;
const LONGEST_YIELD_MS = 60_000;
/** Our connections end within this time when the broker does. */
const TOGETHER_MS = 1_000;

export function createReceivers(options: ReceiversOptions): Receivers {
  const { leases, sessions, logger, roundMs = ROUND_MS, ttlMs = TTL_MS, yieldMs = YIELD_MS } = options;
  const member = randomUUID();
  const names = sessions.map(({ name }) => name);
  const slots = new Map<string, Slot>();
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> = Promise.resolve();
  let stopping = false;
  let away = false;
  let joined = false;
  /** Until then nothing is taken or given: whoever has it, or is there, had no time yet to say so. */
  let quietUntil = 0;

  function createSlot(session: Session): Slot {
    const slot: Slot = {
      session,
      user: options.use(session, () => lost(slot)),
      opening: undefined,
      openedAt: 0,
      lostAt: undefined,
      losses: 0,
      leaving: false,
      isClosed: false,
      isGiven: false,
    };
    slots.set(session.name, slot);
    return slot;
  }

  function lost(slot: Slot): void {
    slot.lostAt = performance.now();
    slot.losses = slot.lostAt - slot.openedAt < LONGEST_YIELD_MS ? slot.losses + 1 : 0;
  }

  /**
   * Mosquitto 2.0.11 does not say that another client took a session: it hangs up. So a session that is lost alone, while
   * our other connection to the broker stands, may have been taken. The first time it is taken back as soon as the
   * agreement says that it is ours; while there is no agreement, or when it happens again, we wait, longer each time:
   * whoever insists at once has it taken away again at once.
   */
  function isDue(slot: Slot): boolean {
    if (slot.lostAt === undefined) return true;
    if (options.brokerLostAt() > slot.lostAt - TOGETHER_MS) {
      slot.losses = 0;
      return true;
    }
    const again = Math.max(slot.losses - 1, away ? 1 : 0);
    if (again === 0) return true;
    return performance.now() > slot.lostAt + backoffMs({ firstMs: yieldMs, longestMs: LONGEST_YIELD_MS }, again - 1);
  }

  /** One agreement: what this process has from now on. */
  async function agree(): Promise<void> {
    let state: Awaited<ReturnType<Leases['round']>>;
    try {
      state = await leases.round({
        group: GROUP,
        member,
        names,
        using: [...slots.values()].filter(({ isGiven }) => !isGiven).map(({ session }) => session.name),
        take: !stopping && performance.now() >= quietUntil,
        joins: !joined,
        ttlMs,
      });
    } catch (error) {
      // What we have we keep: nobody else can take it now.
      if (!away) logger.warn({ err: error }, 'processes cannot agree on the sessions at the MQTT broker');
      away = true;
      return;
    }
    away = false;
    if (joined && !state.known) quietUntil = performance.now() + ttlMs;
    joined = true;
    for (const slot of [...slots.values()]) {
      if (slot.isGiven || state.held.includes(slot.session.name)) continue;
      slots.delete(slot.session.name);
      logger.warn({ session: slot.session.name }, 'another process has taken over a session at the MQTT broker');
      void close(slot);
    }
    if (stopping || performance.now() < quietUntil) return;
    for (const name of state.held) {
      const session = sessions.find((each) => each.name === name);
      if (session !== undefined && !slots.has(name)) createSlot(session);
    }
    const staying = [...slots.values()].filter(({ leaving }) => !leaving);
    for (const slot of staying.slice(state.part)) void handOver(slot);
  }

  /** To a process that has less than its part. */
  async function handOver(slot: Slot): Promise<void> {
    await leave(slot);
    const { session } = slot;
    if (slots.get(session.name) !== slot || stopping) return;
    slot.isGiven = true;
    try {
      await leases.release(GROUP, member, session.name);
      slots.delete(session.name);
    } catch {
      // It stays ours, and is given back another time.
      createSlot(session);
    }
  }

  /** A connection that is lost meanwhile is made again, by the rounds. */
  async function leave(slot: Slot): Promise<void> {
    slot.leaving = true;
    await slot.user.drain();
    await close(slot);
  }

  async function close(slot: Slot): Promise<void> {
    slot.isClosed = true;
    await slot.opening?.catch(() => {});
    await slot.user.close();
  }

  function open(slot: Slot, signal?: AbortSignal): Promise<void> {
    slot.openedAt = performance.now();
    slot.opening = slot.user.open(signal).finally(() => {
      slot.opening = undefined;
    });
    return slot.opening;
  }

  async function round(): Promise<void> {
    await agree();
    for (const slot of slots.values()) {
      if (slot.opening !== undefined || slot.isClosed || slot.user.isUp() || !isDue(slot)) continue;
      if (slot.lostAt !== undefined) {
        logger.warn({ session: slot.session.name, losses: slot.losses }, 'a session at the MQTT broker is taken again');
        slot.lostAt = undefined;
      }
      open(slot).catch((error: unknown) => {
        logger.debug({ err: error, session: slot.session.name }, 'a session at the MQTT broker cannot be used');
      });
    }
  }

  function tick(): void {
    timer = setTimeout(() => {
      running = round().then(tick);
    }, roundMs);
  }

  async function start(signal: AbortSignal): Promise<void> {
    stopping = false;
    await agree();
    try {
      await Promise.all([...slots.values()].map((slot) => open(slot, signal)));
    } catch (error) {
      await stop(AbortSignal.abort());
      throw error;
    }
    tick();
  }

  async function stop(signal: AbortSignal): Promise<void> {
    stopping = true;
    // Rounds go on: what is being left stays ours until it is, however long that takes.
    await Promise.race([Promise.all([...slots.values()].map(leave)), aborted(signal)]);
    clearTimeout(timer);
    await running;
    clearTimeout(timer);
    await Promise.all([...slots.values()].map(close));
    slots.clear();
    // Unless they are told, the others find out when the lease is over.
    await leases.leave(GROUP, member).catch(() => {});
  }

  return {
    start,
    stop,
    isUp: () => [...slots.values()].every(({ user }) => user.isUp()),
  };
}
