const INTERVAL_MS = 60_000;
const MOST = 100;

/**
 * Publishes of one connection on topics that are not its device's. A few are a mistake, which is acknowledged and
 * dropped, since its client would send it for ever; one that goes on is closed.
 */
export class Trespasses {
  #count = 0;
  #since = Number.NEGATIVE_INFINITY;

  /** @returns whether it is too many now */
  add(): boolean {
    const now = performance.now();
    if (now - this.#since > INTERVAL_MS) {
      this.#since = now;
      this.#count = 0;
    }
    this.#count++;
    return this.#count >= MOST;
  }
}
