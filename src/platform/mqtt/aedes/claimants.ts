import { PROVISION_RESPONSE } from '../mqtt.port.ts';
import { Outgoing, type PacketStream } from './outgoing.ts';

/** What those may take up who are no device yet. */
export interface ClaimantLimits {
  /** Connections of one claim. */
  readonly connections: number;
  /** Of one connection; whatever else it tries counts too. */
  readonly requests: number;
  /** From the login on. */
  readonly lifetimeMs: number;
}

const LIMITS: ClaimantLimits = { connections: 100, requests: 10, lifetimeMs: 60_000 };

const NOT_SUBSCRIBED = 'provision_not_subscribed';

interface Request {
  /** Topic of the answer. */
  readonly topic: string;
  /** Null: it was too large to be kept. */
  readonly payload: Buffer | null;
  readonly acknowledge: () => void;
}

/** The connection, as far as answers are sent over it. */
interface AnswerLink extends PacketStream {
  outgoing: Outgoing | null;
}

interface Dialogue {
  answer(payload: Buffer | null): Promise<string>;
  /** Ends the connection. */
  end(reason: string, error?: unknown): void;
}

/** The connections of one claim, and which of them reads what is answered under a reply id. */
interface Room {
  readonly claimants: Set<Claimant>;
  readonly readers: Map<string, Claimant>;
}

/**
 * A connection that has shown the token of a claim: it asks to be a device, and gets the answers to what it has asked itself,
 * or to what was asked with a reply id that it knows. Its requests are dealt with one after the other, and none before
 * somebody has subscribed to the answer: a device whose secret nobody gets is not made. One request may come before the
 * subscription, and waits for it.
 */
export class Claimant {
  readonly #connection: AnswerLink;
  readonly #room: Room;
  readonly #dialogue: Dialogue;
  readonly #limits: ClaimantLimits;
  readonly #timer: NodeJS.Timeout;
  readonly #waiting: Request[] = [];
  /** Topic of answers → QoS that it was subscribed with. */
  readonly #subscriptions = new Map<string, 0 | 1>();
  #count = 0;
  #isBusy = false;
  #isClosed = false;

  constructor(connection: AnswerLink, room: Room, dialogue: Dialogue, limits: ClaimantLimits) {
    this.#connection = connection;
    this.#room = room;
    this.#dialogue = dialogue;
    this.#limits = limits;
    this.#timer = setTimeout(() => this.#expire(), limits.lifetimeMs);
  }

  /** A publish on a topic of requests. @param topic of its answer */
  ask(topic: string, payload: Buffer | null, acknowledge: () => void): void {
    if (!this.#mayGoOn()) {
      acknowledge();
      return;
    }
    if (this.#isWaiting) {
      this.#dialogue.end(NOT_SUBSCRIBED);
      acknowledge();
      return;
    }
    this.#waiting.push({ topic, payload, acknowledge });
    void this.#pump();
  }

  /** Something else, which it may not do: answered, and counted as a request. */
  refuse(acknowledge: () => void): void {
    this.#mayGoOn();
    acknowledge();
  }

  /** To answers. Whoever subscribes last reads those under a reply id, so that a device may come back. */
  subscribed(topic: string, qos: number): void {
    if (!this.#subscriptions.has(topic) && this.#subscriptions.size >= this.#limits.requests) {
      this.#dialogue.end('too_many_requests_of_claim');
      return;
    }
    this.#subscriptions.set(topic, qos === 0 ? 0 : 1);
    if (topic !== PROVISION_RESPONSE) this.#room.readers.set(topic, this);
    for (const claimant of this.#room.claimants) void claimant.#pump();
  }

  unsubscribed(topics: readonly string[]): void {
    for (const topic of topics) this.#forget(topic);
  }

  /** Nothing that it has asked is being done. */
  get isIdle(): boolean {
    return !this.#isBusy;
  }

  /** What has not been begun is not done; its client asks again. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.unsubscribed([...this.#subscriptions.keys()]);
    this.#connection.outgoing?.close();
    for (const { acknowledge } of this.#waiting.splice(0)) acknowledge();
  }

  #forget(topic: string): void {
    this.#subscriptions.delete(topic);
    if (this.#room.readers.get(topic) === this) this.#room.readers.delete(topic);
  }

  /** Who reads the answer on a topic. */
  #readerOf(topic: string): Claimant | undefined {
    if (topic !== PROVISION_RESPONSE) return this.#room.readers.get(topic);
    return this.#subscriptions.has(topic) ? this : undefined;
  }

  /** Whether its next request waits for somebody who reads the answer. */
  get #isWaiting(): boolean {
    const [next] = this.#waiting;
    return next !== undefined && this.#readerOf(next.topic) === undefined;
  }

  #mayGoOn(): boolean {
    this.#count++;
    if (this.#isClosed) return false;
    if (this.#count <= this.#limits.requests) return true;
    this.#dialogue.end('too_many_requests_of_claim');
    return false;
  }

  async #pump(): Promise<void> {
    if (this.#isBusy) return;
    this.#isBusy = true;
    while (!this.#isWaiting) {
      const request = this.#waiting.shift();
      if (request === undefined) break;
      await this.#answer(request);
    }
    this.#isBusy = false;
  }

  async #answer({ topic, payload, acknowledge }: Request): Promise<void> {
    try {
      const answer = await this.#dialogue.answer(payload);
      const reader = this.#readerOf(topic);
      if (reader !== undefined) reader.#send(topic, answer);
    } catch (error) {
      this.#dialogue.end('internal_error', error);
    }
    // After the end of its connection nothing is sent; it only makes room.
    acknowledge();
  }

  #send(topic: string, payload: string): void {
    this.#connection.outgoing ??= new Outgoing(this.#connection, () => 0);
    const qos = this.#subscriptions.get(topic) ?? 0;
    void this.#connection.outgoing.send({ topic, payload, qos, retain: false, expiresAt: null });
  }

  #expire(): void {
    this.#dialogue.end(this.#isWaiting ? NOT_SUBSCRIBED : 'claim_over');
  }
}

/** The connections of claims, in this process. */
export class Claimants {
  readonly #limits: ClaimantLimits;
  readonly #open = new Map<number, Room>();

  constructor(limits: Partial<ClaimantLimits> = {}) {
    this.#limits = { ...LIMITS, ...limits };
  }

  /** @returns null: the claim has as many connections as it may */
  enter(claimId: number, connection: AnswerLink, dialogue: Dialogue): Claimant | null {
    const room = this.#open.get(claimId) ?? { claimants: new Set(), readers: new Map() };
    if (room.claimants.size >= this.#limits.connections) return null;
    const claimant = new Claimant(connection, room, dialogue, this.#limits);
    room.claimants.add(claimant);
    this.#open.set(claimId, room);
    return claimant;
  }

  leave(claimant: Claimant): void {
    claimant.close();
    for (const [claimId, { claimants }] of this.#open) {
      if (claimants.delete(claimant) && claimants.size === 0) this.#open.delete(claimId);
    }
  }
}
