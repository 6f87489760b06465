import type { StatusTransition } from '../devices.ports.ts';
import type { DeviceState } from './status.rules.ts';

export interface StoredState {
  readonly deviceId: number;
  readonly deviceUid: string;
  readonly state: DeviceState;
}

/** States of devices in one unit of work. Deleted devices are not there. */
export interface StatusWriter {
  states(deviceIds: readonly number[]): Promise<readonly StoredState[]>;
  save(deviceId: number, state: DeviceState, at: number): Promise<void>;
  /** Notes transitions as not logged yet, and gives them their ids. */
  record(transitions: readonly Omit<StatusTransition, 'id'>[], at: number): Promise<readonly StatusTransition[]>;
  /** Advances `last_seen_at`; never moves it backwards, touches nothing else. */
  touch(deviceId: number, seenAt: number): Promise<void>;
}

/** Transitions that were stored with the status and are not in the log of their device yet. */
export interface TransitionOutbox {
  /** Those that were noted before `before`, by id, `limit` at the most. */
  unlogged(before: number, limit: number, after?: number): Promise<readonly StatusTransition[]>;
  /** The log has them. Unknown ids are no error. */
  logged(ids: readonly string[]): Promise<void>;
}

/** Where changes of status are logged, for people to read. */
export interface StatusLog {
  /** Under their ids: what is logged already is left as it is. On disk when it resolves. */
  append(transitions: readonly Omit<StatusTransition, 'deviceUid'>[]): Promise<void>;
}

export interface StatusStore {
  /**
   * All of `work` or nothing; on disk when it resolves, unless it is said to be for `soon`: then with a later commit.
   * `work` awaits the writer, and turns of the event loop.
   */
  transaction<T>(work: (writer: StatusWriter) => Promise<T>, durability?: 'soon'): Promise<T>;
  /** Devices that are ONLINE, or would be if they were not held in MAINTENANCE; ids above `afterId`, ascending. */
  onlineAfter(afterId: number, limit: number): Promise<readonly number[]>;
  /** `last_seen_at` that was stored while the clock was ahead becomes `now`. @returns of how many devices */
  pullBack(now: number): Promise<number>;
  /**
   * Devices that are not OFFLINE, or would not be, and at `at` had said nothing for as long as makes them silent, a time
   * that lies after `listeningSince` as a whole: with the time since which they would have to be heard; likewise.
   */
  silentAfter(
    at: number,
    listeningSince: number,
    afterId: number,
    limit: number,
  ): Promise<readonly { readonly deviceId: number; readonly silentSince: number }[]>;
}
