/** From where a user signed in. Networks as `addressBlock` tells them; instants are epoch milliseconds. */
export interface KnownNetworks {
  /** The user was there and proved itself. Keeps the latest 20 of a user. */
  note(userId: number, network: string, now: number): Promise<void>;
  /** Whether the user was there at `since` or later. */
  has(userId: number, network: string, since: number): Promise<boolean>;
  /** Removes those where nobody was since `before`; returns how many. */
  removeOlder(before: number): Promise<number>;
}
