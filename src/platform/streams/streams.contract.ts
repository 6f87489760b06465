import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { commonErrors } from '#kernel/errors.ts';
import type { EventStreams, StreamMessage } from './streams.port.ts';

export interface StreamsHarness {
  /** One process, not started. Messages come again after a few ten milliseconds. */
  create(consumer: string): EventStreams;
  /** From now on until `serverReturns`, nothing gets through. What the server holds may be lost. */
  serverLeaves(): Promise<void>;
  serverReturns(): Promise<void>;
  close(): Promise<void>;
}

const soon = () => AbortSignal.timeout(10_000);

/** Events take their way: in the end, not within a time. */
const poll = <T>(read: () => T) => expect.poll(read, { timeout: 10_000 });

/** The specification of `EventStreams`. */
export function streamsContract(name: string, open: () => Promise<StreamsHarness>): void {
  describe(`event streams: ${name}`, () => {
    let harness: StreamsHarness;
    let running: EventStreams[];
    let rounds = 0;
    let stream = '';
    beforeEach(async () => {
      harness = await open();
      running = [];
      rounds += 1;
      stream = `stream-${rounds}`;
    });
    afterEach(async () => {
      for (const each of running) {
        await each.consumers.stop?.(soon());
        await each.stop?.(soon());
      }
      await harness.close();
    });

    const message = (n: number): StreamMessage => ({ type: 'counted', at: n, data: { n } });

    /** A process that notes what it was given, once `handler` has taken it. */
    async function join(
      consumer: string,
      group: string,
      handler: (message: StreamMessage) => Promise<void> = async () => {},
    ) {
      const streams = harness.create(consumer);
      const taken: number[] = [];
      streams.consume(stream, group, async (given) => {
        await handler(given);
        taken.push(given.at);
      });
      await streams.start?.(soon());
      await streams.consumers.start?.(soon());
      running.push(streams);
      return { streams, taken };
    }
    async function writer() {
      const streams = harness.create('writer');
      await streams.start?.(soon());
      running.push(streams);
      return streams;
    }
    const numbers = (count: number) => Array.from({ length: count }, (_, index) => index);

    test('what was published comes as it was, in order, also from before', async () => {
      const from = await writer();
      await from.publish(stream, message(0));
      const seen: StreamMessage[] = [];
      await join('a', 'one', async (given) => void seen.push(given));
      await poll(() => seen).toEqual([message(0)]);
      await Promise.all(numbers(250).map((n) => from.publish(stream, message(n + 1))));
      await poll(() => seen).toEqual(numbers(251).map(message));
    });

    test('each message comes to one process of a group, and to every group', async () => {
      const [a, b, other] = [await join('a', 'one'), await join('b', 'one'), await join('c', 'two')];
      const from = await writer();
      await Promise.all(numbers(100).map((n) => from.publish(stream, message(n))));
      await poll(() => other.taken.length).toBe(100);
      await poll(() => a.taken.length + b.taken.length).toBe(100);
      expect([...a.taken, ...b.taken].toSorted((x, y) => x - y)).toEqual(numbers(100));
    });

    test('one that is not taken comes again, others do not wait for it', async () => {
      let tries = 0;
      const { taken } = await join('a', 'one', async ({ at }) => {
        if (at === 1) tries += 1;
        if (at === 1 && tries < 3) throw new Error('not yet');
      });
      const from = await writer();
      for (const n of numbers(4)) await from.publish(stream, message(n));
      await poll(() => taken).toEqual([0, 2, 3, 1]);
      expect(tries).toBe(3);
    });

    test('what a process has not finished, another does', async () => {
      const hanging = Promise.withResolvers<void>();
      const begun: number[] = [];
      await join('a', 'one', async ({ at }) => {
        begun.push(at);
        await hanging.promise;
      });
      const from = await writer();
      await from.publish(stream, message(7));
      await poll(() => begun).toEqual([7]);
      const { taken } = await join('b', 'one');
      await poll(() => taken).toEqual([7]);
      hanging.resolve();
    });

    test('one that fails for good is given up, one that only has to wait is not', async () => {
      const tries = [0, 0];
      let away = true;
      const { taken } = await join('a', 'one', async ({ at }) => {
        tries[at] = (tries[at] ?? 0) + 1;
        if (at === 0) throw new Error('a bug');
        if (away) throw commonErrors.unavailable();
      });
      const from = await writer();
      await from.publish(stream, message(0));
      await from.publish(stream, message(1));
      await poll(() => tries[1]).toBeGreaterThan(25);
      expect(tries[0]).toBe(20);
      away = false;
      await poll(() => taken).toEqual([1]);
    });

    test('while the server is away messages wait, and readers come back by themselves', async () => {
      const { taken } = await join('a', 'one');
      const from = await writer();
      await from.publish(stream, message(0));
      await poll(() => taken).toEqual([0]);
      await harness.serverLeaves();
      const waiting = numbers(3).map((n) => from.publish(stream, message(n + 1)));
      await harness.serverReturns();
      await Promise.all(waiting);
      await poll(() => [...new Set(taken)]).toEqual([0, 1, 2, 3]);
    }, 30_000);

    test('too many are refused, and a stop does not wait for ever', async () => {
      const from = await writer();
      await harness.serverLeaves();
      const waiting = numbers(10_000).map((n) => from.publish(stream, message(n)));
      await expect(from.publish(stream, message(0))).rejects.toMatchObject({ kind: 'unavailable' });
      await from.stop?.(AbortSignal.timeout(200));
      await Promise.all(waiting);
      await harness.serverReturns();
    });
  });
}
