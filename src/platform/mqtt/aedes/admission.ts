import { addressBlock } from '#kernel/addresses.ts';

/** Connections of one listener or of all; a stranger is one on which nobody has logged in yet. */
export interface AdmissionLimits {
  /** Strangers and devices. */
  readonly connections: number;
  readonly strangers: number;
  /** From one address (IPv6: one /64 network). */
  readonly strangersPerAddress: number;
}

interface Stranger {
  readonly network: string;
  readonly drop: () => void;
}

/**
 * Bounds what those hold who have not proven anything. A stranger too many takes the place of the one that has waited
 * longest, from its own address first: a device logs in within moments, and who only opens connections pushes out
 * nobody but himself and his like.
 */
export class Admission {
  readonly #limits: AdmissionLimits;
  /** In the order of their coming. */
  readonly #strangers = new Map<string, Stranger>();
  readonly #networks = new Map<string, Set<string>>();
  readonly #open = new Set<string>();

  constructor(limits: AdmissionLimits) {
    this.#limits = limits;
  }

  /**
   * @param peer names the connection
   * @param drop closes it at once
   * @returns why a connection was closed: this one, or one that gave way to it; null: none
   */
  enter(peer: string, ipAddress: string, drop: () => void): 'too_many_connections' | 'too_many_strangers' | null {
    if (this.#open.size >= this.#limits.connections) {
      drop();
      return 'too_many_connections';
    }
    const network = addressBlock(ipAddress);
    const neighbours = this.#networks.get(network) ?? new Set();
    const oldest =
      (neighbours.size >= this.#limits.strangersPerAddress ? first(neighbours) : undefined) ??
      (this.#strangers.size >= this.#limits.strangers ? first(this.#strangers.keys()) : undefined);
    const evicted = oldest === undefined ? undefined : this.#strangers.get(oldest);
    if (oldest !== undefined) this.leave(oldest);
    this.#open.add(peer);
    this.#strangers.set(peer, { network, drop });
    this.#networks.set(network, neighbours.add(peer));
    evicted?.drop();
    return evicted === undefined ? null : 'too_many_strangers';
  }

  /** Its device has proven itself. */
  admitted(peer: string): void {
    const stranger = this.#strangers.get(peer);
    if (stranger === undefined) return;
    this.#strangers.delete(peer);
    const neighbours = this.#networks.get(stranger.network);
    neighbours?.delete(peer);
    if (neighbours?.size === 0) this.#networks.delete(stranger.network);
  }

  /** It is closed. */
  leave(peer: string): void {
    this.admitted(peer);
    this.#open.delete(peer);
  }
}

function first<T>(values: Iterable<T>): T | undefined {
  for (const value of values) return value;
  return undefined;
}
