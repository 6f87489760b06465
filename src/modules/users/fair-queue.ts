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
  /** Runs `work` when it is its turn. Rejects when too many wait: at once, or when it has to give way. */
  run<T>(client: string, work: () => Promise<T>): Promise<T>;
}

interface Waiting {
  readonly start: () => void;
  readonly refuse: (error: Error) => void;
}

/**
 * Work in turns. Clients that wait take turns with each other, each in the order of its own work: whoever asks for
 * much waits behind itself, and a client that asks for one thing waits for one piece of each other client at most.
 * Where as many wait as may, whoever has less waiting takes the place of the latest of whoever has most: few clients
 * cannot keep newcomers out.
 */
export function createFairQueue({ concurrency, maxWaiting, maxWaitingOfOne, refusal }: FairQueueOptions): FairQueue {
  /** In the order of their turns: who had one goes to the end. */
  const lines = new Map<string, Waiting[]>();
  let waiting = 0;
  let running = 0;

  function enter(client: string): Promise<void> {
    const line = lines.get(client) ?? [];
    if (line.length >= maxWaitingOfOne) throw refusal();
    if (waiting >= maxWaiting && !makeRoom(line.length)) throw refusal();
    lines.set(client, line);
    waiting += 1;
    return new Promise((start, refuse) => line.push({ start, refuse }));
  }

  /** Sends away the latest of the longest line, unless whoever comes would have as long a line then. */
  function makeRoom(ownLength: number): boolean {
    let longest: Waiting[] = [];
    for (const line of lines.values()) if (line.length > longest.length) longest = line;
    if (longest.length <= ownLength + 1) return false;
    longest.pop()?.refuse(refusal());
    waiting -= 1;
    return true;
  }

  /** Hands the place of what is done to whoever is next, so `running` stays as it is. */
  function leave(): void {
    const [client, line] = lines.entries().next().value ?? [];
    const next = line?.shift();
    if (client === undefined || line === undefined || next === undefined) {
      running -= 1;
      return;
    }
    waiting -= 1;
    lines.delete(client);
    if (line.length > 0) lines.set(client, line);
    next.start();
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
