import type { Logger } from '#kernel/logger.ts';

export interface Listeners<T> {
  /** @returns a function that removes the handler */
  add(handler: (value: T) => void): () => void;
  tell(value: T): void;
}

/** A handler that throws is logged and does not stop the others. */
export function createListeners<T>(logger: Logger): Listeners<T> {
  // Wrapped, so that a handler that was added twice is removed one at a time.
  const current = new Set<{ readonly handler: (value: T) => void }>();
  return {
    add(handler) {
      const added = { handler };
      current.add(added);
      return () => void current.delete(added);
    },
    tell(value) {
      for (const { handler } of [...current]) {
        try {
          handler(value);
        } catch (error) {
          logger.error({ err: error }, 'a handler of relayed messages failed');
        }
      }
    },
  };
}
