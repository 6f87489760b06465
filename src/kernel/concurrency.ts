import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import { defined } from './defined.ts';

/** Runs work one after the other, in the order of the calls; work that fails holds up nothing behind it. */
export type Mutex = <T>(work: () => Promise<T>) => Promise<T>;

export function createMutex(): Mutex {
  let tail: Promise<unknown> = Promise.resolve();
  return (work) => {
    const run = tail.then(work);
    tail = run.catch(() => {});
    return run;
  };
}

/** The same for each key by itself. Keys without work are forgotten. */
export interface KeyedMutex<K> {
  run<T>(key: K, work: () => Promise<T>): Promise<T>;
  /** How much work of a key is running or waiting. */
  pending(key: K): number;
}

export function createKeyedMutex<K>(): KeyedMutex<K> {
  const lines = new Map<K, { readonly run: Mutex; pending: number }>();
  return {
    async run(key, work) {
      const line = lines.get(key) ?? { run: createMutex(), pending: 0 };
      lines.set(key, line);
      line.pending += 1;
      try {
        return await line.run(work);
      } finally {
        line.pending -= 1;
        if (line.pending === 0) lines.delete(key);
      }
    },
    pending: (key) => lines.get(key)?.pending ?? 0,
  };
}

/** Work that goes on by itself, until whoever began it stops and waits for the end of all of it. */
export interface Background {
  /** @param work must not reject @returns the same work */
  add<T>(work: Promise<T>): Promise<T>;
  /** Resolves when nothing is under way, what was added meanwhile included. */
  idle(): Promise<void>;
}

export function createBackground(): Background {
  const running = new Set<Promise<unknown>>();
  return {
    add(work) {
      const run = work.finally(() => running.delete(run));
      running.add(run);
      return run;
    },
    async idle() {
      while (running.size > 0) await Promise.all(running);
    },
  };
}

/** Work of which one run at a time is enough: whoever asks during a run shares it. */
export interface Coalesced<T> {
  run(): Promise<T>;
  /** The run that is under way, if there is one. */
  current(): Promise<T> | undefined;
}

/** @param onIdle called after each run, when another may begin; must not throw */
export function coalesce<T>(work: () => Promise<T>, onIdle: () => void = () => {}): Coalesced<T> {
  let current: Promise<T> | undefined;
  return {
    run() {
      current ??= work().finally(() => {
        current = undefined;
        onIdle();
      });
      return current;
    },
    current: () => current,
  };
}

/** Work that is repeated: never twice at once, a run that takes longer skips those that it is late for. */
export interface Repeated {
  start(): void;
  /** Resolves when no run is under way, and none will begin. */
  stop(): Promise<void>;
  /** Runs it now, or shares the run that is under way. */
  run(): Promise<void>;
}

/** @param work must not reject */
export function repeat(everyMs: number, work: () => Promise<void>): Repeated {
  const { run, current } = coalesce(work);
  let timer: NodeJS.Timeout | undefined;
  return {
    run,
    start() {
      timer = setInterval(() => void run(), everyMs);
    },
    async stop() {
      clearInterval(timer);
      await current();
    },
  };
}

export interface BackoffOptions {
  readonly firstMs: number;
  readonly longestMs: number;
  /** How many times as long each wait is as the one before; default: 2. */
  readonly growth?: number;
  /** Share of the wait that is left to chance, from 0 to 1, so that what failed together does not return together. */
  readonly jitter?: number;
}

/** @returns how long to wait after the failure number `attempt`, from 0, in milliseconds: longer each time */
export function backoffMs({ firstMs, longestMs, growth = 2, jitter = 0 }: BackoffOptions, attempt: number): number {
  const longest = Math.min(firstMs * growth ** Math.min(attempt, 30), longestMs);
  return longest * (1 - jitter * Math.random());
}

/** Waits, without keeping the process alive; an abort ends it early. */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  await delay(ms, undefined, { ref: false, ...defined({ signal }) }).catch(() => {});
}

/** Resolves when the signal aborts; at once when it has. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** Lets everything else that waits for the event loop have its turn. */
export async function giveWay(): Promise<void> {
  await nextTurn();
}

/** The result of `work`, which goes on by itself when it takes longer. @throws what `late` makes after `ms` milliseconds */
export async function within<T>(ms: number, work: Promise<T>, late: () => Error): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const expired = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(late()), ms);
  });
  try {
    return await Promise.race([work, expired]);
  } finally {
    clearTimeout(timer);
  }
}
