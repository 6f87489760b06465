/**
 * The PUBACKs of one connection, in the order of the PUBLISHes (MQTT 3.1.1 and 5, [MQTT-4.6.0-2]; it is also
 * what Mosquitto finds fastest). An acknowledgement that comes early waits for those before it, while
 * messages go on being received up to the receive maximum. What comes together leaves in one write.
 */
export class Acknowledgements {
  readonly #write: (bytes: Buffer) => void;
  #entries: (Entry | undefined)[] = [];
  #head = 0;
  #scheduled = false;
  #whenEmpty: (() => void)[] = [];

  constructor(write: (bytes: Buffer) => void) {
    this.#write = write;
  }

  /** Received, unacknowledged. @returns what says that it was dealt with; saying it twice is once */
  expect(messageId: number): () => void {
    const entry: Entry = { messageId, done: false };
    this.#entries.push(entry);
    return () => {
      entry.done = true;
      if (this.#scheduled || this.#entries[this.#head] !== entry) return;
      this.#scheduled = true;
      queueMicrotask(() => this.#flush());
    };
  }

  get size(): number {
    return this.#entries.length - this.#head;
  }

  /** The connection is gone: what it sent comes again on the next one, and what is said about it is void. */
  reset(): void {
    this.#entries = [];
    this.#head = 0;
    this.#empty();
  }

  /** Resolves when everything received was acknowledged, or given up. */
  async empty(): Promise<void> {
    if (this.size > 0) await new Promise<void>((resolve) => this.#whenEmpty.push(resolve));
  }

  #flush(): void {
    this.#scheduled = false;
    const from = this.#head;
    let to = from;
    while (this.#entries[to]?.done === true) to++;
    if (to === from) return;
    const bytes = Buffer.allocUnsafe((to - from) * 4);
    for (let index = from, at = 0; index < to; index++, at += 4) {
      bytes.writeUInt16BE(PUBACK, at);
      bytes.writeUInt16BE(this.#entries[index]?.messageId ?? 0, at + 2);
      this.#entries[index] = undefined;
    }
    this.#head = to;
    if (to > COMPACT_AT && to * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(to);
      this.#head = 0;
    }
    this.#write(bytes);
    if (this.size === 0) this.#empty();
  }

  #empty(): void {
    for (const resolve of this.#whenEmpty.splice(0)) resolve();
  }
}

interface Entry {
  readonly messageId: number;
  done: boolean;
}

/** Packet type 4, two more bytes: in MQTT 5 this stands for "success". */
const PUBACK = 0x4002;
const COMPACT_AT = 4_096;
