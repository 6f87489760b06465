import type { Component } from '#kernel/lifecycle.ts';

/** A stretch of time, epoch milliseconds: `start` inclusive, `end` exclusive. */
export interface Stretch {
  readonly start: number;
  readonly end: number;
}

/**
 * When the system listened to devices, over all its processes. What it did not hear while none of them ran says nothing
 * about anybody.
 */
export interface Runs {
  /** In a process that listens: from its start to its stop it says that it runs. */
  readonly recorder: Component;
  /**
   * Within a stretch, when no process ran, in order; exact to 5 s. That one was killed is known after 15 s. Before the first record, which is kept for
   * 90 days, the system is taken to have run.
   */
  gaps(within: Stretch): Promise<readonly Stretch[]>;
  /** Since when the system runs without a gap; now, when it does not run. */
  runningSince(): Promise<number>;
}
