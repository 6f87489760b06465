/** What `FrameReader.next` found. */
export const FRAME = { INCOMPLETE: 0, COMPLETE: 1, MALFORMED: 2, TOO_LARGE: 3, SKIPPED: 4 } as const;
export type FrameResult = (typeof FRAME)[keyof typeof FRAME];

const NOTHING = Buffer.alloc(0);
const LONGEST_LENGTH_BYTES = 4;

/**
 * Cuts a byte stream into MQTT packets without looking into them. A packet whose declared length is over
 * the limit of its type is reported before it is buffered, so what a connection can make us keep is bounded; it
 * can be passed over with `skip`. Slices of `bytes` stay valid: a buffer that was handed out is only ever appended to.
 */
export class FrameReader {
  /**
   * The packet found by the last `next` that returned COMPLETE or TOO_LARGE: first byte, and where its body lies in
   * `bytes`. One that is too large is not all there yet, see `available`.
   */
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
  /** Bytes of a packet that is passed over, which are still to come. */
  #toSkip = 0;
  #skipping = false;

  /** @param limitOf the largest acceptable remaining length of a packet type, in bytes */
  constructor(limitOf: (type: number) => number) {
    this.#limitOf = limitOf;
  }

  /** How much of the body of the packet last found is here. */
  get available(): number {
    return Math.min(this.#end, this.bodyEnd) - this.bodyStart;
  }

  /** Passes over the packet that was reported as TOO_LARGE: `next` says SKIPPED when its last byte has come. */
  skip(): void {
    const here = this.#end - this.bodyStart;
    this.#skipping = true;
    this.#toSkip = Math.max(0, this.bodyEnd - this.bodyStart - here);
    this.#next = Math.min(this.bodyEnd, this.#end);
    if (this.#toSkip > 0) this.#release();
  }

  append(received: Buffer): void {
    let chunk = received;
    if (this.#toSkip > 0) {
      const skipped = Math.min(chunk.length, this.#toSkip);
      this.#toSkip -= skipped;
      if (skipped === chunk.length) return;
      chunk = chunk.subarray(skipped);
    }
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
    if (this.#skipping) {
      if (this.#toSkip > 0) return FRAME.INCOMPLETE;
      this.#skipping = false;
      return FRAME.SKIPPED;
    }
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
    const bodyEnd = position + length;
    const isTooLarge = length > this.#limitOf(first >> 4);
    if (bodyEnd > end && !isTooLarge) return FRAME.INCOMPLETE;

    this.first = first;
    this.start = start;
    this.bodyStart = position;
    this.bodyEnd = bodyEnd;
    if (isTooLarge) return FRAME.TOO_LARGE;
    this.#next = bodyEnd;
    return FRAME.COMPLETE;
  }

  /** Forgets everything, so that a closed connection holds no memory. */
  clear(): void {
    this.#toSkip = 0;
    this.#skipping = false;
    this.#release();
  }

  #release(): void {
    this.bytes = NOTHING;
    this.#next = 0;
    this.#end = 0;
  }
}
