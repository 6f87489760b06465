import { setTimeout as delay } from 'node:timers/promises';

/** What receives from a broker: the system or its yardstick. Both tell how much they have. */
export interface Receiver {
  readonly pid: number;
  /** Of `http://127.0.0.1:<port>/metrics`. */
  readonly port: number;
}

/** The counter that both show, in Prometheus' format: samples committed by the system, messages by the yardstick. */
export const COUNTER = 'core_api_ingest_samples_total';

export interface ReceiverSettings {
  readonly url: string;
  /** First level of the topics. */
  readonly root: string;
  readonly counter: string;
  readonly maxInFlight: number;
}

export interface ReceiverReady {
  readonly port: number;
}

const ASK_EVERY_MS = 100;
/** Without any progress: what is missing then was dropped on the way. */
const PATIENCE_MS = 20_000;

export async function countOf({ port }: Receiver): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${port}/metrics`);
  const text = await response.text();
  return Number(new RegExp(`^${COUNTER} (\\d+)`, 'm').exec(text)?.[1] ?? 0);
}

export interface Received {
  readonly count: number;
  /** From the first to the last. */
  readonly seconds: number;
}

/**
 * Waits until the receiver has taken all that was sent.
 * @param sent resolves with how many that are, when the sender is done
 */
export async function takeAll(receiver: Receiver, before: number, sent: Promise<number>): Promise<Received> {
  let total: number | undefined;
  sent.then(
    (count) => {
      total = count;
    },
    () => {},
  );
  let first: number | undefined;
  let last = performance.now();
  let count = 0;
  while (total === undefined || count < total) {
    await delay(ASK_EVERY_MS);
    const now = performance.now();
    const current = (await countOf(receiver)) - before;
    if (current > count) {
      first ??= last;
      last = now;
    } else if (total !== undefined && now - last > PATIENCE_MS) break;
    else if (first === undefined) last = now;
    count = current;
  }
  await sent;
  return { count, seconds: (last - (first ?? last)) / 1000 };
}
