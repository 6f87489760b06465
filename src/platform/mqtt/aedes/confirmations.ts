import type { Duplex } from 'node:stream';

const BYTES = 4;

/**
 * Collects PUBACK, PUBREC and PUBCOMP packets of one turn of the event loop, so that a commit which settles a
 * thousand messages costs one write a connection.
 */
export class Confirmations {
  readonly #socket: Duplex;
  readonly #pending: number[] = [];

  constructor(socket: Duplex) {
    this.#socket = socket;
  }

  /** @param type a packet type, see PACKET */
  add(type: number, messageId: number): void {
    this.#pending.push((type << 16) | messageId);
  }

  /** @returns false when the peer does not keep up: nothing more should be read from it until `drain`. */
  flush(): boolean {
    const pending = this.#pending;
    if (pending.length === 0) return true;
    const bytes = Buffer.allocUnsafe(pending.length * BYTES);
    let position = 0;
    for (const confirmation of pending) {
      bytes[position] = (confirmation >> 16) << 4;
      bytes[position + 1] = 2;
      bytes[position + 2] = (confirmation >> 8) & 0xff;
      bytes[position + 3] = confirmation & 0xff;
      position += BYTES;
    }
    pending.length = 0;
    return this.#socket.writableEnded || this.#socket.destroyed || this.#socket.write(bytes);
  }
}
