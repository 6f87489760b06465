/** What `FrameReader.next` found. */
export const FRAME = { INCOMPLETE: 0, COMPLETE: 1, MALFORMED: 2, TOO_LARGE: 3 } as const;
export type FrameResult = (typeof FRAME)[keyof typeof FRAME];

const NOTHING = Buffer.alloc(0);
const LONGEST_LENGTH_BYTES = 4;

/**
 * Cuts a byte stream into MQTT packets without looking into them. A packet whose declared length is over
 * the limit of its type is reported before it is buffered, so what a connection can make us keep is bounded.
 * Slices of `bytes` stay valid: a buffer that was handed out is only ever appended to.
 */
export class FrameReader {
  /** The packet found by the last `next` that returned COMPLETE: first byte, and where its body lies in `bytes`. */
  first = 0;
  bytes: Buffer = NOTHING;
  start = 0;
  bodyStart = 0;
  bodyEnd = 0;

  readonly #limitOf: (type: number) => number;
  #end = 0;
  #owned = false;
  /** Where the next packet begins. */
  #next = 0;

  /** @param limitOf the largest acceptable remaining length of a packet type, in bytes */
  constructor(limitOf: (type: number) => number) {
    this.#limitOf = limitOf;
  }

  append(chunk: Buffer): void {
    const left = this.#end - this.#next;
    if (left === 0) {
      this.bytes = chunk;
      this.#next = 0;
      this.#end = chunk.length;
      this.#owned = false;
      return;
    }
    if (!this.#owned || this.bytes.length - this.#end < chunk.length) {
      // Doubled, so that a packet that drips in byte by byte is copied a few times only.
      const grown = Buffer.allocUnsafeSlow(Math.max(left + chunk.length, 2 * left));
      this.bytes.copy(grown, 0, this.#next, this.#end);
      this.bytes = grown;
      this.#next = 0;
      this.#end = left;
      this.#owned = true;
    }
    chunk.copy(this.bytes, this.#end);
    this.#end += chunk.length;
  }

  next(): FrameResult {
    const { bytes } = this;
    const start = this.#next;
    const end = this.#end;
    if (end - start < 2) return FRAME.INCOMPLETE;

    let position = start + 1;
    let length = 0;
    for (let shift = 0; ; shift += 7) {
      if (position === end) return FRAME.INCOMPLETE;
      const byte = bytes[position++] ?? 0;
      length |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
      if (position - start > LONGEST_LENGTH_BYTES) return FRAME.MALFORMED;
    }
    const first = bytes[start] ?? 0;
    if (length > this.#limitOf(first >> 4)) {
      this.first = first;
      return FRAME.TOO_LARGE;
    }
    const bodyEnd = position + length;
    if (bodyEnd > end) return FRAME.INCOMPLETE;

    this.first = first;
    this.start = start;
    this.bodyStart = position;
    this.bodyEnd = bodyEnd;
    this.#next = bodyEnd;
    return FRAME.COMPLETE;
  }

  /** Forgets everything, so that a closed connection holds no memory. */
  clear(): void {
    this.bytes = NOTHING;
    this.#next = 0;
    this.#end = 0;
  }
}
