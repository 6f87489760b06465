import { describe, expect, test } from 'vitest';
import type { CounterStore } from './cache.port.ts';

export interface CounterStoreHarness {
  readonly counters: CounterStore;
  /** Lets this much time pass for the store. */
  advance(ms: number): Promise<void>;
  close?(): Promise<void>;
}

/** What every `CounterStore` does. `create` gives an empty one. */
export function counterStoreContract(name: string, create: () => Promise<CounterStoreHarness>): void {
  const withStore = (work: (harness: CounterStoreHarness) => Promise<void>) => async () => {
    const harness = await create();
    try {
      await work(harness);
    } finally {
      await harness.close?.();
    }
  };

  describe(`CounterStore: ${name}`, () => {
    test(
      'counts up and says how long the window lasts',
      withStore(async ({ counters }) => {
        const first = await counters.increment('a', 60_000);
        expect(first.count).toBe(1);
        expect(first.resetInMs).toBeGreaterThan(59_000);
        expect(first.resetInMs).toBeLessThanOrEqual(60_000);
        expect((await counters.increment('a', 60_000)).count).toBe(2);
        expect((await counters.increment('a', 60_000)).count).toBe(3);
      }),
    );

    test(
      'the window begins with the first increment and is not prolonged by others',
      withStore(async ({ counters, advance }) => {
        await counters.increment('a', 1_000);
        await advance(600);
        const second = await counters.increment('a', 1_000);
        expect(second.count).toBe(2);
        expect(second.resetInMs).toBeLessThanOrEqual(400);
        await advance(400);
        expect((await counters.increment('a', 1_000)).count).toBe(1);
      }),
    );

    test(
      'peek does not count, also not for keys that never were or are over',
      withStore(async ({ counters, advance }) => {
        expect(await counters.peek('a')).toEqual({ count: 0, resetInMs: 0 });
        await counters.increment('a', 1_000);
        expect(await counters.peek('a')).toMatchObject({ count: 1 });
        const peeked = await counters.peek('a');
        expect(peeked.count).toBe(1);
        expect(peeked.resetInMs).toBeGreaterThan(0);
        await advance(1_000);
        expect(await counters.peek('a')).toEqual({ count: 0, resetInMs: 0 });
      }),
    );

    test(
      'reset forgets one key; an unknown one is fine',
      withStore(async ({ counters }) => {
        await counters.increment('a', 60_000);
        await counters.increment('b', 60_000);
        await counters.reset('a');
        await counters.reset('never');
        expect((await counters.peek('a')).count).toBe(0);
        expect((await counters.increment('a', 60_000)).count).toBe(1);
        expect((await counters.peek('b')).count).toBe(1);
      }),
    );

    test(
      'keys are taken literally',
      withStore(async ({ counters }) => {
        const keys = ['__proto__', 'constructor', '', ' ', 'login:a@b.c|::1', 'ü', '*'];
        for (const key of keys) await counters.increment(key, 60_000);
        for (const key of keys) expect((await counters.peek(key)).count, key).toBe(1);
      }),
    );

    test(
      'a flood of other keys makes it forget none: at most it counts too many',
      withStore(async ({ counters }) => {
        for (let guess = 0; guess < 4; guess += 1) await counters.increment('victim', 60_000);
        for (let index = 0; index < 2_000; index += 1) await counters.increment(`flood-${index}`, 60_000);
        expect((await counters.peek('victim')).count).toBe(4);
        expect((await counters.increment('victim', 60_000)).count).toBe(5);
        expect((await counters.peek('flood-1999')).count).toBeGreaterThanOrEqual(1);
      }),
    );

    test(
      'no increment is lost when many come at once',
      withStore(async ({ counters }) => {
        const states = await Promise.all(Array.from({ length: 50 }, () => counters.increment('a', 60_000)));
        expect(states.map(({ count }) => count).sort((a, b) => a - b)).toEqual(
          Array.from({ length: 50 }, (_, index) => index + 1),
        );
      }),
    );
  });
}
