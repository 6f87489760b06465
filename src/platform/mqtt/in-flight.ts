/** Unacknowledged messages of all connections together, unless a broker is told otherwise. */
export const MAX_IN_FLIGHT_BYTES = 64 * 1024 * 1024;
/** Kept for a message beside its payload, roughly; so that empty messages count too. */
export const MESSAGE_OVERHEAD_BYTES = 256;

/**
 * Messages of all connections that were handed over and are not acknowledged yet. Bounds the memory of the
 * process however many connections there are: while it is full, connections wait in line.
 */
export class InFlight {
  messages = 0;
  readonly #limitBytes: number;
  #bytes = 0;
  readonly #waiting = new Set<() => void>();
  readonly #idle: (() => void)[] = [];

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  get full(): boolean {
    return this.#bytes >= this.#limitBytes;
  }

  take(bytes: number): void {
    this.messages++;
    this.#bytes += bytes;
  }

  release(bytes: number): void {
    this.messages--;
    this.#bytes -= bytes;
    if (this.#waiting.size > 0 && this.#bytes <= this.#limitBytes / 2) this.#wake();
    if (this.messages === 0 && this.#idle.length > 0) {
      for (const resolve of this.#idle.splice(0)) resolve();
    }
  }

  /** Calls `resume` once there is room again. */
  wait(resume: () => void): void {
    this.#waiting.add(resume);
  }

  forget(resume: () => void): void {
    this.#waiting.delete(resume);
  }

  /** Resolves when nothing is unacknowledged, or when `signal` aborts. */
  idle(signal: AbortSignal): Promise<void> {
    if (this.messages === 0 || signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      this.#idle.push(resolve);
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
  }

  #wake(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    // Outside of the acknowledgement that made room: a resumed connection hands over messages at once.
    setImmediate(() => {
      for (const resume of waiting) resume();
    });
  }
}
