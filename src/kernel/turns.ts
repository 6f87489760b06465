/**
 * So much work at a time; clients that wait take turns, so that one with a thousand bodies holds nobody else's up.
 * @returns runs `work` when it has its turn
 */
export function createTurns(atATime: number) {
  const waiting = new Map<string, (() => void)[]>();
  let running = 0;

  function next(): void {
    const [first] = waiting;
    if (first === undefined || running === atATime) return;
    const [client, [start, ...others]] = first as [string, [() => void, ...(() => void)[]]];
    waiting.delete(client);
    // Behind everybody else who waits.
    if (others.length > 0) waiting.set(client, others);
    running += 1;
    start();
  }

  return async <T>(client: string, work: () => Promise<T>): Promise<T> => {
    await new Promise<void>((start) => {
      waiting.set(client, [...(waiting.get(client) ?? []), start]);
      next();
    });
    try {
      return await work();
    } finally {
      running -= 1;
      next();
    }
  };
}
