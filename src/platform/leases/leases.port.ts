/**
 * Things that exist a fixed number of times, such as sessions at a broker, divided among the processes that are
 * there: each belongs to one member at a time. A member that is not heard of for `ttlMs` is gone, and what it had
 * is free. Every call throws AppError `unavailable`, within a second or so, when the store is away.
 */
export interface Leases {
  /**
   * Says that the member is there, keeps what it uses, and takes what is free up to its part: the number of names
   * divided by the number of members, where those whose id sorts first have one more if it does not come out even.
   * A member may hold more than its part until it releases it. Repeated several times within `ttlMs`.
   */
  round(round: LeaseRound): Promise<LeaseState>;
  /** Gives one name back. One that is another's is left alone. */
  release(group: string, member: string, name: string): Promise<void>;
  /** Gives everything back; the others' parts grow. An unknown member is no error. */
  leave(group: string, member: string): Promise<void>;
}

export interface LeaseRound {
  /** Groups know nothing of each other. */
  readonly group: string;
  /** No two processes have the same, ever. */
  readonly member: string;
  /** All names of the group, in the order in which they are taken. */
  readonly names: readonly string[];
  /** What the member uses now. Of these it keeps what no other has: also when the store has forgotten everything. */
  readonly using: readonly string[];
  /** Whether it takes what is free. One that is not known any more takes nothing, unless it joins. */
  readonly take: boolean;
  /** Its first round. */
  readonly joins: boolean;
  readonly ttlMs: number;
}

export interface LeaseState {
  /** What is the member's until `ttlMs` from now, in the order of `names`. */
  readonly held: readonly string[];
  /** How many it should have, as far as the store knows who is there. */
  readonly part: number;
  /** Whether it was known before. If not although it did join, it was silent too long, or the store has forgotten. */
  readonly known: boolean;
}
