export interface FairQueueOptions {
  /** Pieces of work at the same time. */
  readonly concurrency: number;
  /** How many may wait in all. */
  readonly maxWaiting: number;
  /** How many of one client may wait. */
  readonly maxWaitingOfOne: number;
  /** Made when a piece of work is refused, because as many wait as may. */
  readonly refusal: () => Error;
}

export interface FairQueue {
  /** Runs `work` when it is its turn. Rejects at once when too many wait. */
  run<T>(client: string, work: () => Promise<T>): Promise<T>;
}

type Start = () => void;

/**
 * Work in turns. Clients that wait take turns with each other, each in the order of its own work: whoever asks for
 * much waits behind itself, and a client that asks for one thing waits for one piece of each other client at most.
 */
export function createFairQueue({ concurrency, maxWaiting, maxWaitingOfOne, refusal }: FairQueueOptions): FairQueue {
  /** In the order of their turns: who had one goes to the end. */
  const lines = new Map<string, Start[]>();
  let waiting = 0;
  let running = 0;

  function enter(client: string): Promise<void> {
    const line = lines.get(client) ?? [];
    if (waiting >= maxWaiting || line.length >= maxWaitingOfOne) throw refusal();
    lines.set(client, line);
    waiting += 1;
    return new Promise((start) => line.push(start));
  }

  /** Hands the place of what is done to whoever is next, so `running` stays as it is. */
  function leave(): void {
    const [client, line] = lines.entries().next().value ?? [];
    const start = line?.shift();
    if (client === undefined || line === undefined || start === undefined) {
      running -= 1;
      return;
    }
    waiting -= 1;
    lines.delete(client);
    if (line.length > 0) lines.set(client, line);
    start();
  }

  return {
    async run(client, work) {
      if (running === concurrency) await enter(client);
      else running += 1;
      try {
        return await work();
      } finally {
        leave();
      }
    },
  };
}
