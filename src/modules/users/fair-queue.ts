export interface FairQueueOptions {
  /** Pieces of work at the same time. */
  readonly concurrency: number;
  /** How many may wait in all. */
  readonly maxWaiting: number;
  /** How many of one client may wait. */
  readonly maxWaitingOfOne: number;
  /** Made when a piece of work is refused, because as many wait as may. */
  readonly refusal: () => Error;
  /** A clock that nobody sets, in milliseconds. Default: the process's. */
  readonly now?: () => number;
}

export interface FairQueue {
  /** Runs `work` when it is its turn. Rejects when too many wait: at once, or when it has to give way. */
  run<T>(client: string, work: () => Promise<T>): Promise<T>;
}

const TURNS_MS = 60_000;

interface Waiting {
  readonly start: () => void;
  readonly refuse: (error: Error) => void;
}

/**
 * Work in turns. Clients that wait take turns with each other, each in the order of its own work: whoever asks for
 * much waits behind itself, and a client that asks for one thing waits for one piece of each other client at most.
 * Where as many wait as may, whoever has less waiting takes the place of the latest of whoever has most: few clients
 * cannot keep newcomers out. Neither can many that have one piece waiting each: whoever has none takes the place of
 * whoever had most turns lately, if that one had more.
 */
export function createFairQueue(options: FairQueueOptions): FairQueue {
  const { concurrency, maxWaiting, maxWaitingOfOne, refusal, now = () => performance.now() } = options;
  /** In the order of their turns: who had one goes to the end. */
  const lines = new Map<string, Waiting[]>();
  const turns = createTurns(now);
  let waiting = 0;
  let running = 0;

  function enter(client: string): Promise<void> {
    const line = lines.get(client) ?? [];
    if (line.length >= maxWaitingOfOne) throw refusal();
    if (waiting >= maxWaiting && !makeRoom(client, line.length)) throw refusal();
    lines.set(client, line);
    waiting += 1;
    return new Promise((start, refuse) => line.push({ start, refuse }));
  }

  /**
   * Sends away the latest of the longest line, unless whoever comes would have as long a line then. Of equally long
   * ones it is that of whoever had most turns.
   */
  function makeRoom(client: string, ownLength: number): boolean {
    let [longest, hadMost, most]: [Waiting[], string, number] = [[], '', -1];
    for (const [other, line] of lines) {
      if (line.length < longest.length) continue;
      const had = turns.of(other);
      if (line.length > longest.length || had > most) [longest, hadMost, most] = [line, other, had];
    }
    const isLonger = longest.length > ownLength + 1;
    if (!isLonger && (ownLength > 0 || most <= turns.of(client))) return false;
    longest.pop()?.refuse(refusal());
    if (longest.length === 0) lines.delete(hadMost);
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
      turns.count(client);
      try {
        return await work();
      } finally {
        leave();
      }
    },
  };
}

/** Turns of the last one to two minutes: no more entries than there was time for work. */
function createTurns(now: () => number) {
  let [current, former] = [new Map<string, number>(), new Map<string, number>()];
  let until = now() + TURNS_MS;

  function turnOver(): void {
    const time = now();
    if (time < until) return;
    former = time < until + TURNS_MS ? current : new Map();
    current = new Map();
    until = time + TURNS_MS;
  }

  return {
    of: (client: string) => (current.get(client) ?? 0) + (former.get(client) ?? 0),
    count(client: string) {
      turnOver();
      current.set(client, (current.get(client) ?? 0) + 1);
    },
  };
}
