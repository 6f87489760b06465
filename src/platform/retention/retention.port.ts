/**
 * Records of a module that are removed when they have become old, by the job `apply_retention`. Documents need none:
 * a collection says itself when its documents expire.
 */
export interface Retention {
  /** What they are, for people: `telemetry` */
  readonly name: string;
  /** How long they are kept, in milliseconds. */
  readonly keptMs: number;
  /**
   * Removes up to `limit` of those that are older. A step is short: whatever else writes comes in between.
   * @param before epoch milliseconds
   * @returns how many it removed; fewer than `limit` when there are no more
   */
  removeOlderThan(before: number, limit: number): Promise<number>;
}
