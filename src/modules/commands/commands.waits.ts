import { commandErrors } from './commands.errors.ts';

/** Requests that wait, of one kind in one process; and of them those of one user or device. */
export interface WaitLimits {
  readonly total: number;
  readonly each: number;
}

/** Requests that wait for something to happen, each for a bounded time. */
export interface Waits {
  /**
   * @param who user or device, by whom the requests are counted
   * @throws AppError `too_many_waiting`
   */
  open(who: string): Wait;
  /** Whether somebody waits for this. */
  isWatched(what: string): boolean;
  /** Ends the waiting of everybody who waits for this. */
  wake(what: string): void;
  /** Ends all waiting: what was waited for may have been missed. */
  wakeAll(): void;
  /** From now on nobody waits: the process stops. */
  close(): void;
}

export interface Wait {
  /**
   * Resolves when woken, after `ms` milliseconds, or when `signal` aborts. A `wake` since `watch` or the last call counts:
   * what is looked up in between is not missed.
   * @returns whether it was woken
   */
  until(what: string, ms: number, signal?: AbortSignal): Promise<boolean>;
  /** Watches for `wake` from now on. */
  watch(what: string): void;
  end(): void;
}

export function createWaits({ total, each }: WaitLimits): Waits {
  const counts = new Map<string, number>();
  const watchers = new Map<string, Set<Watcher>>();
  let waiting = 0;
  let isClosed = false;

  function wake(what: string): void {
    for (const watcher of watchers.get(what) ?? []) watcher.wake();
  }

  function wakeAll(): void {
    for (const what of [...watchers.keys()]) wake(what);
  }

  return {
    open(who) {
      const own = counts.get(who) ?? 0;
      if (waiting >= total || own >= each) {
        throw commandErrors.too_many_waiting({ details: { retryAfterSeconds: 5 } });
      }
      waiting += 1;
      counts.set(who, own + 1);
      const watcher = createWatcher();
      let watched: string | undefined;

      const watch = (what: string) => {
        if (watched === what) return;
        if (watched !== undefined) unwatch();
        watched = what;
        watchers.set(what, (watchers.get(what) ?? new Set()).add(watcher));
      };
      const unwatch = () => {
        if (watched === undefined) return;
        const others = watchers.get(watched);
        others?.delete(watcher);
        if (others?.size === 0) watchers.delete(watched);
        watched = undefined;
      };

      return {
        watch,
        async until(what, ms, signal) {
          watch(what);
          return !isClosed && (await watcher.woken(ms, signal));
        },
        end() {
          unwatch();
          waiting -= 1;
          const left = (counts.get(who) ?? 1) - 1;
          if (left === 0) counts.delete(who);
          else counts.set(who, left);
        },
      };
    },
    isWatched: (what) => watchers.has(what),
    wake,
    wakeAll,
    close() {
      isClosed = true;
      wakeAll();
    },
  };
}

interface Watcher {
  wake(): void;
  woken(ms: number, signal?: AbortSignal): Promise<boolean>;
}

function createWatcher(): Watcher {
  let isWoken = false;
  let resolve: (() => void) | undefined;
  return {
    wake() {
      isWoken = true;
      resolve?.();
    },
    async woken(ms, signal) {
      if (!isWoken && ms > 0 && signal?.aborted !== true) {
        await new Promise<void>((done) => {
          const timer = setTimeout(done, ms);
          resolve = () => {
            clearTimeout(timer);
            done();
          };
          signal?.addEventListener('abort', resolve, { once: true });
        });
        if (resolve !== undefined) signal?.removeEventListener('abort', resolve);
        resolve = undefined;
      }
      const wasWoken = isWoken;
      isWoken = false;
      return wasWoken;
    },
  };
}
