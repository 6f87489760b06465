/**
 * What came over a session lately, by packet id. Mosquitto sends what it has no acknowledgement of again on the
 * session's next connection, under the same id and marked DUP. So a message that is being stored, or is stored while
 * its acknowledgement was lost, is known again: it is not stored twice.
 *
 * Ids are counted up, so of the last `window` messages none has the id of another, and whatever was lost on the way
 * to us has a later one. The content is compared all the same: a broker that was killed counts from where it last
 * saved.
 */
export class Redeliveries {
  readonly #window: number;
  readonly #entries: (Delivery | undefined)[] = [];
  #count = 0;

  /** @param window at most a third of all packet ids */
  constructor(window: number) {
    this.#window = window;
  }

  /** The message, if it came before and comes again. */
  find(messageId: number, isAgain: boolean, topic: string, payload: Buffer): Delivery | undefined {
    const former = this.#entries[messageId];
    if (!isAgain || former === undefined || this.#count - former.number > this.#window) return undefined;
    if (former.print !== printOf(topic, payload)) return undefined;
    former.number = ++this.#count;
    return former;
  }

  add(messageId: number, topic: string, payload: Buffer): Delivery {
    const number = ++this.#count;
    const delivery: Delivery = { print: printOf(topic, payload), number, isDone: false, acknowledge: null };
    this.#entries[messageId] = delivery;
    return delivery;
  }

  /** The session is a new one: its ids say nothing about the former. */
  clear(): void {
    this.#entries.length = 0;
  }
}

export interface Delivery {
  readonly print: number;
  number: number;
  /** It was dealt with for good. */
  isDone: boolean;
  /** Acknowledges it on the connection on which it came last. */
  acknowledge: (() => void) | null;
}

const OFFSET = 0x811c9dc5;
const PRIME = 0x01000193;
/** Of long payloads the ends are compared, with the length. */
const END = 128;

function printOf(topic: string, payload: Buffer): number {
  let hash = OFFSET ^ payload.length;
  for (let index = 0; index < topic.length; index++) hash = Math.imul(hash ^ topic.charCodeAt(index), PRIME);
  const head = Math.min(payload.length, END);
  for (let index = 0; index < head; index++) hash = Math.imul(hash ^ (payload[index] as number), PRIME);
  for (let index = Math.max(head, payload.length - END); index < payload.length; index++) {
    hash = Math.imul(hash ^ (payload[index] as number), PRIME);
  }
  return hash >>> 0;
}
