/**
 * Tells when a device was silent for longer than it said. What it has sent may lie unread in the socket: after a pause
 * of the process (SIGSTOP, a busy event loop) timers come before sockets. So a device is judged in the same turn of the
 * event loop, but after sockets were read.
 */
export class KeepAlive {
  readonly #elapsed: () => void;
  readonly #timer: NodeJS.Timeout;
  #isSilent = false;

  /** @param elapsed nothing was heard of the device, and nothing lies unread */
  constructor(ms: number, elapsed: () => void) {
    this.#elapsed = elapsed;
    this.#timer = setTimeout(() => {
      this.#isSilent = true;
      setImmediate(judge, this);
    }, ms);
  }

  /** Anything came from the device; or nothing can have come, and its time begins anew. */
  heard(): void {
    this.#isSilent = false;
    this.#timer.refresh();
  }

  end(): void {
    this.#isSilent = false;
    clearTimeout(this.#timer);
  }

  /** @internal */
  judge(): void {
    if (this.#isSilent) this.#elapsed();
  }
}

function judge(keepAlive: KeepAlive): void {
  keepAlive.judge();
}
