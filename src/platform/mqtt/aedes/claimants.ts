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

/**
 * A connection that has shown the token of a claim: it asks to be a device, and gets the answers to what it has asked itself.
 * Its requests are dealt with one after the other, and none before it has subscribed to the answers: a device whose
 * secret nobody gets is not made. One request may come before the subscription, and waits for it.
 */
export class Claimant {
  readonly #connection: AnswerLink;
  readonly #dialogue: Dialogue;
  readonly #limits: ClaimantLimits;
  readonly #timer: NodeJS.Timeout;
  readonly #waiting: Request[] = [];
  /** That the answers are subscribed to with; null: they are not. */
  #qos: 0 | 1 | null = null;
  #count = 0;
  #isBusy = false;
  #isClosed = false;

  constructor(connection: AnswerLink, dialogue: Dialogue, limits: ClaimantLimits) {
    this.#connection = connection;
    this.#dialogue = dialogue;
    this.#limits = limits;
    this.#timer = setTimeout(() => this.#expire(), limits.lifetimeMs);
  }

  /** A publish on the topic of requests. */
  ask(payload: Buffer | null, acknowledge: () => void): void {
    if (!this.#mayGoOn()) {
      acknowledge();
      return;
    }
    if (this.#qos === null && this.#waiting.length > 0) {
      this.#dialogue.end(NOT_SUBSCRIBED);
      acknowledge();
      return;
    }
    this.#waiting.push({ payload, acknowledge });
    void this.#pump();
  }

  /** Something else, which it may not do: answered, and counted as a request. */
  refuse(acknowledge: () => void): void {
    this.#mayGoOn();
    acknowledge();
  }

  subscribed(qos: number): void {
    this.#qos = qos === 0 ? 0 : 1;
    void this.#pump();
  }

  unsubscribed(topics: readonly string[]): void {
    if (topics.includes(PROVISION_RESPONSE)) this.#qos = null;
  }

  /** Nothing that it has asked is being done. */
  get isIdle(): boolean {
    return !this.#isBusy;
  }

  /** What has not been begun is not done; its client asks again. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#connection.outgoing?.close();
    for (const { acknowledge } of this.#waiting.splice(0)) acknowledge();
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
    for (;;) {
      const qos = this.#qos;
      const request = qos === null ? undefined : this.#waiting.shift();
      if (qos === null || request === undefined) break;
      await this.#answer(request, qos);
    }
    this.#isBusy = false;
  }

  async #answer({ payload, acknowledge }: Request, qos: 0 | 1): Promise<void> {
    try {
      const answer = await this.#dialogue.answer(payload);
      if (!this.#isClosed) this.#send(answer, qos);
    } catch (error) {
      this.#dialogue.end('internal_error', error);
    }
    // After the end of its connection nothing is sent; it only makes room.
    acknowledge();
  }

  #send(payload: string, qos: 0 | 1): void {
    this.#connection.outgoing ??= new Outgoing(this.#connection, () => 0);
    void this.#connection.outgoing.send({ topic: PROVISION_RESPONSE, payload, qos, retain: false, expiresAt: null });
  }

  #expire(): void {
    this.#dialogue.end(this.#waiting.length > 0 && this.#qos === null ? NOT_SUBSCRIBED : 'claim_over');
  }
}

/** The connections of claims, in this process. */
export class Claimants {
  readonly #limits: ClaimantLimits;
  readonly #open = new Map<number, Set<Claimant>>();

  constructor(limits: Partial<ClaimantLimits> = {}) {
    this.#limits = { ...LIMITS, ...limits };
  }

  /** @returns null: the claim has as many connections as it may */
  enter(claimId: number, connection: AnswerLink, dialogue: Dialogue): Claimant | null {
    const others = this.#open.get(claimId) ?? new Set();
    if (others.size >= this.#limits.connections) return null;
    const claimant = new Claimant(connection, dialogue, this.#limits);
    this.#open.set(claimId, others.add(claimant));
    return claimant;
  }

  leave(claimant: Claimant): void {
    claimant.close();
    for (const [claimId, claimants] of this.#open) {
      if (claimants.delete(claimant) && claimants.size === 0) this.#open.delete(claimId);
    }
  }
}
