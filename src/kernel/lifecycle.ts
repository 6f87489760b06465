import type { Logger } from './logger.ts';

/**
 * Something that runs. Factories do no I/O; `start` and `stop` do. `start` gives up when `signal`
 * aborts; `stop` finishes what is in flight and is called only after a `start` that was attempted.
 */
export interface Component {
  readonly name: string;
  start?(signal: AbortSignal): Promise<void>;
  stop?(signal: AbortSignal): Promise<void>;
}

export interface Lifecycle {
  /**
   * Starts in order. When one fails, those already started are stopped in reverse and it throws; so does a
   * `stop` before everything has started.
   */
  start(): Promise<void>;
  /** Stops in reverse. Never throws: a component that fails or is late is logged. Idempotent. */
  stop(): Promise<void>;
}

export interface LifecycleOptions {
  readonly logger: Logger;
  readonly startDeadlineMs: number;
  /** Shared by all components together, so that a stop as a whole is bounded. */
  readonly stopDeadlineMs: number;
}

export function createLifecycle(components: readonly Component[], options: LifecycleOptions): Lifecycle {
  const { logger, startDeadlineMs, stopDeadlineMs } = options;
  const attempted: Component[] = [];
  const stopRequested = new AbortController();
  let stopping: Promise<void> | undefined;

  async function stopAll(): Promise<void> {
    stopRequested.abort();
    const deadline = AbortSignal.timeout(stopDeadlineMs);
    for (const component of attempted.toReversed()) {
      try {
        await abortable(component.stop?.(deadline), deadline, `${component.name} did not stop in time`);
      } catch (error) {
        logger.error({ err: error, component: component.name }, 'component failed to stop');
      }
    }
  }

  function stop(): Promise<void> {
    stopping ??= stopAll();
    return stopping;
  }

  async function startOne(component: Component): Promise<void> {
    const signal = AbortSignal.any([AbortSignal.timeout(startDeadlineMs), stopRequested.signal]);
    attempted.push(component);
    await abortable(component.start?.(signal), signal, `${component.name} did not start in time`);
  }

  return {
    async start() {
      for (const component of components) {
        try {
          stopRequested.signal.throwIfAborted();
          await startOne(component);
        } catch (error) {
          if (stopRequested.signal.aborted) throw new Error('stopped while starting', { cause: error });
          await stop();
          throw error;
        }
      }
    },
    stop,
  };
}

async function abortable(work: Promise<void> | undefined, signal: AbortSignal, message: string): Promise<void> {
  if (work === undefined) return;
  let onAbort = () => {};
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(new Error(message));
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
