import { expect, test } from 'vitest';
import { createEventBus, type DomainEvent } from '#kernel/events.ts';
import { silentLogger } from '#kernel/logger.ts';
import { createTestClock } from '#test/support/clock.ts';
import { createLocalRelay, type LocalMedium } from './local-relay.ts';
import { relayEvents } from './relay-events.ts';

declare module '#kernel/events.ts' {
  interface EventMap {
    'relay_test.everywhere': { readonly n: number };
    'relay_test.here': { readonly n: number };
  }
}

async function join(medium: LocalMedium) {
  const events = createEventBus(silentLogger);
  const relay = createLocalRelay({ logger: silentLogger, medium });
  const seen: DomainEvent[] = [];
  for (const type of ['relay_test.everywhere', 'relay_test.here', 'relay.gap'] as const) {
    events.on(type, (event) => void seen.push(event));
  }
  relayEvents({ events, relay, clock: createTestClock(7) }, ['relay_test.everywhere']);
  await relay.start?.(AbortSignal.timeout(1_000));
  return { events, relay, seen };
}

test('an event of one process is heard in every one, once, and only if it is one of those', async () => {
  const medium: LocalMedium = new Set();
  const [one, two, three] = [await join(medium), await join(medium), await join(medium)];
  one.events.emit('relay_test.here', 1, { n: 1 });
  one.events.emit('relay_test.everywhere', 2, { n: 2 });
  const relayed = { type: 'relay_test.everywhere', at: 2, data: { n: 2 }, origin: 'relay' };
  await expect.poll(() => two.seen).toEqual([relayed]);
  await expect.poll(() => three.seen).toEqual([relayed]);
  // Had it been relayed again, one would have heard it before what two says now.
  two.events.emit('relay_test.everywhere', 3, { n: 3 });
  await expect.poll(() => one.seen.length).toBe(3);
  expect(one.seen).toEqual([
    { type: 'relay_test.here', at: 1, data: { n: 1 } },
    { type: 'relay_test.everywhere', at: 2, data: { n: 2 } },
    { type: 'relay_test.everywhere', at: 3, data: { n: 3 }, origin: 'relay' },
  ]);
});

test('a message of a type that is not ours is left alone', async () => {
  const medium: LocalMedium = new Set();
  const [one, two] = [await join(medium), await join(medium)];
  await one.relay.publish({ type: 'relay_test.here', at: 1, data: { n: 1 } });
  await one.relay.publish({ type: '__proto__', at: 1, data: null });
  one.events.emit('relay_test.everywhere', 2, { n: 2 });
  await expect.poll(() => two.seen.length).toBe(1);
  expect(two.seen[0]?.type).toBe('relay_test.everywhere');
});

test('a gap of the relay is an event', async () => {
  const events = createEventBus(silentLogger);
  const seen: DomainEvent[] = [];
  events.on('relay.gap', (event) => void seen.push(event));
  let gap = () => {};
  const relay = {
    ...createLocalRelay({ logger: silentLogger }),
    onGap(handler: () => void) {
      gap = handler;
      return () => {};
    },
  };
  relayEvents({ events, relay, clock: createTestClock(7) }, []);
  gap();
  expect(seen).toEqual([{ type: 'relay.gap', at: 7, data: {} }]);
});
