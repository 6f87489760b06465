import { coalesce } from './concurrency.ts';

/**
 * Tells a server that is slow from one that is there and says nothing (frozen, or behind a network that swallows).
 * Whoever waits for an answer is told to give up when the server has not answered anybody for `AFTER_MS` + `ASK_MS`,
 * which is 5 s; a long answer of a server that answers others is waited for.
 */
export interface SilenceWatch {
  /** @returns what ends the watch, to be called when the answer is there */
  watch(giveUp: () => void): () => void;
}

/** So long nothing is suspected. */
const AFTER_MS = 2_500;
/** Within this the server answers a question that costs it nothing. */
const ASK_MS = 2_500;

/** @param ask on a connection that nobody else waits for; resolves when the server answered, whatever it said */
export function createSilenceWatch(ask: (signal: AbortSignal) => Promise<unknown>): SilenceWatch {
  /** One question for all who wait. */
  const { run: answers } = coalesce(() => answersInTime(ask));

  return {
    watch(giveUp) {
      let isOver = false;
      let timer: NodeJS.Timeout;
      const look = async () => {
        const isThere = await answers();
        if (isOver) return;
        if (isThere) wait();
        else giveUp();
      };
      const wait = () => {
        timer = setTimeout(() => void look(), AFTER_MS);
      };
      wait();
      return () => {
        isOver = true;
        clearTimeout(timer);
      };
    },
  };
}

async function answersInTime(ask: (signal: AbortSignal) => Promise<unknown>): Promise<boolean> {
  const late = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => {
      resolve(false);
      late.abort();
    }, ASK_MS);
  });
  const answer = ask(late.signal).then(
    () => true,
    () => false,
  );
  try {
    return await Promise.race([answer, silence]);
  } finally {
    clearTimeout(timer);
  }
}
