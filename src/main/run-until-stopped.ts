import { pause } from '#kernel/concurrency.ts';
import { type Component, createLifecycle } from '#kernel/lifecycle.ts';
import type { Logger } from '#kernel/logger.ts';
import type { HttpServer } from '#platform/http/http.server.ts';
import type { Settings } from './settings.ts';

/** What a process runs. */
export interface Runnable {
  /** In start order; stopped in reverse. */
  readonly components: readonly Component[];
  readonly http: HttpServer;
  /** Tells the readiness probe whether the process serves. */
  setServing(serving: boolean): void;
}

const START_DEADLINE_MS = 60_000;
const STOP_DEADLINE_MS = 8_000;
const BEFORE_STOP_DEADLINE_MS = 1_000;
const REPEATED_SIGNAL_MS = 1_000;

/**
 * Starts it, and stops it on SIGTERM or SIGINT: exit code 0 after an orderly stop. Resolves when it serves.
 * @throws what the start failed with, after everything that had started was stopped
 */
export async function runUntilStopped(
  runnable: Runnable,
  logger: Logger,
  beforeStop: () => Promise<void> = async () => {},
): Promise<void> {
  const lifecycle = createLifecycle(runnable.components, {
    logger,
    startDeadlineMs: START_DEADLINE_MS,
    stopDeadlineMs: STOP_DEADLINE_MS,
  });
  let stopping: Promise<void> | undefined;
  stopOnSignal(() => {
    stopping ??= stop();
    return stopping;
  });
  async function stop(): Promise<void> {
    runnable.setServing(false);
    await Promise.race([beforeStop(), pause(BEFORE_STOP_DEADLINE_MS)]);
    await lifecycle.stop();
  }
  try {
    await lifecycle.start();
  } catch (error) {
    // Asked to stop while starting: that is no failure, the signal's handler ends the process.
    if (stopping !== undefined) return await new Promise<never>(() => {});
    throw error;
  }
  runnable.setServing(true);
}

function stopOnSignal(stop: () => Promise<void>): void {
  let stoppingSince: number | undefined;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (stoppingSince !== undefined) {
        // A second signal means: now. But npm hands on what the terminal has sent to us already.
        if (performance.now() - stoppingSince > REPEATED_SIGNAL_MS) process.exit(1);
        return;
      }
      stoppingSince = performance.now();
      void stop().then(() => endProcess(performance.now() - (stoppingSince ?? 0)));
    });
  }
}

/**
 * With exit code 0. `process.exit` waits for the threads, and one whose disk hangs waits for that; so when the stop came
 * to its deadline, a program that does nothing takes the place of this one. What was acknowledged is on disk.
 */
function endProcess(tookMs: number): void {
  if (tookMs >= STOP_DEADLINE_MS && process.platform !== 'win32') {
    process.execve?.(process.execPath, [process.execPath, '--eval', '0'], {});
  }
  process.exit(0);
}

/** `http://127.0.0.1:8000` */
export function httpUrlOf({ HTTP_HOST }: Settings, { http }: Pick<Runnable, 'http'>): string {
  const host = HTTP_HOST === '0.0.0.0' || HTTP_HOST === '::' ? 'localhost' : HTTP_HOST;
  return `http://${host.includes(':') ? `[${host}]` : host}:${http.port()}`;
}
