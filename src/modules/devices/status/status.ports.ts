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
  /** Advances `last_seen_at`; never moves it backwards, touches nothing else. */
  touch(deviceId: number, seenAt: number): Promise<void>;
}

export interface StatusStore {
  /** All of `work` or nothing; on disk when it resolves. `work` awaits the writer, and turns of the event loop. */
  transaction<T>(work: (writer: StatusWriter) => Promise<T>): Promise<T>;
  /** Devices that are ONLINE, or would be if they were not held in MAINTENANCE; ids above `afterId`, ascending. */
  onlineAfter(afterId: number, limit: number): Promise<readonly number[]>;
  /** `last_seen_at` that was stored while the clock was ahead becomes `now`. @returns of how many devices */
  pullBack(now: number): Promise<number>;
  /** Devices that are not OFFLINE, or would not be, and were last heard of before `before`; likewise. */
  silentAfter(before: number, afterId: number, limit: number): Promise<readonly number[]>;
}
