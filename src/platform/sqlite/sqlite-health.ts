import type { Logger } from '#kernel/logger.ts';
import type { FileTrouble } from './sqlite-errors.ts';

/**
 * Whether one file can be used. What failed last is tried again until it works: a page that is in memory, or space in
 * the log that is there already, would make a file look whole that is not.
 */
export interface FileHealth {
  /** Notes that something failed, and how to try that again. Said once in the log until it works again. */
  failed(trouble: FileTrouble, again: () => Promise<unknown>): void;
  /** @throws AppError `unavailable` from a failure until it works again */
  assertUsable(): void;
  close(): void;
}

const TRY_AGAIN_MS = 1_000;

export function createFileHealth(file: string, logger: Logger): FileHealth {
  let trouble: FileTrouble | undefined;
  let timer: NodeJS.Timeout | undefined;

  async function tryAgain(again: () => Promise<unknown>): Promise<void> {
    try {
      await again();
      trouble = undefined;
      logger.info({ file }, 'the file can be used again');
    } catch {
      if (trouble !== undefined) watch(again);
    }
  }

  function watch(again: () => Promise<unknown>): void {
    timer = setTimeout(() => void tryAgain(again), TRY_AGAIN_MS).unref();
  }

  return {
    failed(seen, again) {
      if (!seen.lasts || trouble !== undefined) return;
      trouble = seen;
      logger.error({ file, trouble: seen.kind }, seen.message);
      watch(again);
    },
    assertUsable() {
      if (trouble !== undefined) throw trouble.toAppError();
    },
    close() {
      clearTimeout(timer);
      trouble = undefined;
    },
  };
}
