import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { EventRelay, RelayMessage } from './relay.port.ts';

export interface RelayHarness {
  /** A relay of a further process of the same installation, not started. */
  create(): EventRelay;
  /** Cuts the connections of all, lets them come back, and resolves at once; absent where nothing can be cut. */
  interrupt?(): Promise<void>;
  close?(): Promise<void>;
}

const soon = () => AbortSignal.timeout(5_000);
const message = (n: number): RelayMessage => ({ type: 'test', at: 1_000 + n, data: { n, text: 'ü\n"' } });

/** What every `EventRelay` does. `open` makes a new installation. */
export function relayContract(
  name: string,
  open: () => Promise<RelayHarness>,
  options = { interruptible: true },
): void {
  describe(`EventRelay: ${name}`, () => {
    let harness: RelayHarness;
    let relays: EventRelay[];
    beforeEach(async () => {
      harness = await open();
      relays = [];
    });
    afterEach(async () => {
      for (const relay of relays) await relay.stop?.(soon());
      await harness.close?.();
    });

    /** A started process, and everything that it receives; `gaps` counts. */
    async function join() {
      const relay = harness.create();
      relays.push(relay);
      const received: RelayMessage[] = [];
      const state = { relay, received, gaps: 0 };
      relay.onMessage((each) => void received.push(each));
      relay.onGap(() => {
        state.gaps += 1;
      });
      await relay.start?.(soon());
      return state;
    }

    test('one process alone hears nothing of itself', async () => {
      const one = await join();
      await one.relay.publish(message(1));
      expect(await one.relay.peers()).toBe(0);
      expect(one.relay.isListening()).toBe(true);
      const two = await join();
      // What two says comes after whatever could have come back.
      await two.relay.publish(message(2));
      await expect.poll(() => one.received).toEqual([message(2)]);
      expect(one.gaps).toBe(0);
    });

    test('every other process gets each message once, in order, as it was', async () => {
      const [one, two, three] = [await join(), await join(), await join()];
      expect(await one.relay.peers()).toBe(2);
      const sent = Array.from({ length: 100 }, (_, n) => message(n));
      for (const each of sent) void one.relay.publish(each);
      await expect.poll(() => three.received.length).toBe(100);
      await expect.poll(() => two.received.length).toBe(100);
      expect(two.received).toEqual(sent);
      expect(three.received).toEqual(sent);
      expect(one.received).toEqual([]);
    });

    test('a handler that fails does not stop the others; one that was removed is not called', async () => {
      const [one, two] = [await join(), await join()];
      const removed: RelayMessage[] = [];
      const seen: RelayMessage[] = [];
      two.relay.onMessage(() => {
        throw new Error('broken');
      });
      const remove = two.relay.onMessage((each) => void removed.push(each));
      two.relay.onMessage((each) => void seen.push(each));
      remove();
      await one.relay.publish(message(1));
      await expect.poll(() => seen).toEqual([message(1)]);
      expect(removed).toEqual([]);
    });

    test('who has stopped hears nothing more, and a publish before the start or after a stop harms nobody', async () => {
      const [one, two, three] = [await join(), await join(), await join()];
      await two.relay.stop?.(soon());
      expect(two.relay.isListening()).toBe(false);
      await one.relay.publish(message(1));
      await expect.poll(() => three.received).toEqual([message(1)]);
      expect(two.received).toEqual([]);
      await two.relay.publish(message(2));
      const early = harness.create();
      expect(early.isListening()).toBe(false);
      await early.publish(message(3));
    });

    if (!options.interruptible) return;

    test('whoever may have missed something is told, when it listens again', async () => {
      const [one, two] = [await join(), await join()];
      let listeningAtGap: boolean | undefined;
      two.relay.onGap(() => {
        listeningAtGap = two.relay.isListening();
      });
      await harness.interrupt?.();
      await expect.poll(() => [one.gaps > 0, two.gaps > 0], { timeout: 10_000 }).toEqual([true, true]);
      expect(listeningAtGap).toBe(true);
      await expect
        .poll(
          async () => {
            await one.relay.publish(message(1));
            return two.received.length;
          },
          { timeout: 10_000 },
        )
        .toBeGreaterThan(0);
    });
  });
}
