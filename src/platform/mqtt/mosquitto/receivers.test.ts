import { afterEach, expect, test } from 'vitest';
import { systemClock } from '#kernel/clock.ts';
import { silentLogger } from '#kernel/logger.ts';
import type { Leases } from '#platform/leases/leases.port.ts';
import { createMemoryLeases } from '#platform/leases/memory-leases.ts';
import { eventually } from '../mqtt.harness.ts';
import { sessionsOf } from './partition.ts';
import { createReceivers, type Receivers } from './receivers.ts';

const SESSIONS = sessionsOf(4);
const ROUND_MS = 5;
const TTL_MS = 60;
const YIELD_MS = 400;

/** A broker at which each session has one user: the one that opened it last. */
function createBroker() {
  const users = new Map<string, { name: string; lose(): void }>();
  const opened: string[] = [];
  let lostAt = Number.NEGATIVE_INFINITY;
  return {
    opened,
    lostAt: () => lostAt,
    restart() {
      lostAt = performance.now();
      for (const user of users.values()) user.lose();
    },
    who: () => SESSIONS.map(({ name }) => users.get(name)?.name ?? '-').join(' '),
    lose: (session: string) => users.get(session)?.lose(),
    take(session: string, name: string, lose: () => void) {
      const former = users.get(session);
      users.set(session, { name, lose });
      opened.push(`${session} by ${name}`);
      former?.lose();
    },
    leave(session: string, name: string) {
      if (users.get(session)?.name === name) users.delete(session);
    },
  };
}

/** Leases whose rounds are counted, and that may be away. */
function createLeases() {
  let leases = createMemoryLeases({ clock: systemClock });
  let rounds = 0;
  const watched: Leases = {
    async round(round) {
      rounds += 1;
      return await leases.round(round);
    },
    release: (...args) => leases.release(...args),
    leave: (...args) => leases.leave(...args),
  };
  return {
    leases: watched,
    /** The same for one member, which is cut off while `isCut` says so. */
    unless: (isCut: () => boolean): Leases => ({
      ...watched,
      round: async (round) => {
        rounds += 1;
        if (isCut()) throw new Error('away');
        return await leases.round(round);
      },
    }),
    forget() {
      leases = createMemoryLeases({ clock: systemClock });
    },
    /** Resolves after so many rounds of all, which take two milliseconds at the least. */
    async rounds(count: number) {
      const until = rounds + count;
      await eventually(() => expect(rounds).toBeGreaterThanOrEqual(until));
    },
  };
}
/** In which a lease is over twice. */
const LONG = 60;

const running: Receivers[] = [];
afterEach(async () => {
  for (const receivers of running.splice(0)) await receivers.stop(AbortSignal.timeout(100));
});

type Broker = ReturnType<typeof createBroker>;

async function join(name: string, broker: Broker, leases: Leases, more: { drained?: Promise<void> } = {}) {
  const receivers = createReceivers({
    leases,
    sessions: SESSIONS,
    logger: silentLogger,
    roundMs: ROUND_MS,
    ttlMs: TTL_MS,
    yieldMs: YIELD_MS,
    brokerLostAt: broker.lostAt,
    use(session, onLost) {
      let up = false;
      return {
        async open() {
          up = true;
          broker.take(session.name, name, () => {
            up = false;
            onLost();
          });
        },
        isUp: () => up,
        drain: async () => more.drained,
        async close() {
          up = false;
          broker.leave(session.name, name);
        },
      };
    },
  });
  await receivers.start(AbortSignal.timeout(1_000));
  running.push(receivers);
  return receivers;
}

test('one takes all; a second gets half, a third what is left of its part; who leaves gives it to the others', async () => {
  const broker = createBroker();
  const { leases } = createLeases();
  await join('a', broker, leases);
  expect(broker.who()).toBe('a a a a');
  const b = await join('b', broker, leases);
  await eventually(() => expect(broker.who()).toBe('a a b b'));
  await join('c', broker, leases);
  await eventually(() => expect(broker.who().split(' ').toSorted().join('')).toMatch(/^(aabc|abbc|abcc)$/));
  await b.stop(AbortSignal.timeout(1_000));
  await eventually(() => expect(broker.who().split(' ').toSorted().join('')).toBe('aacc'));
});

test('a session is handed over when it is drained, not before', async () => {
  const broker = createBroker();
  const { leases, rounds } = createLeases();
  let drained = () => {};
  await join('a', broker, leases, { drained: new Promise((resolve) => (drained = resolve)) });
  await join('b', broker, leases);
  await rounds(LONG);
  expect(broker.who()).toBe('a a a a');
  // Its connection is lost meanwhile: it is made again, because acknowledgements are outstanding.
  broker.lose('4-of-4');
  await eventually(() => expect(broker.opened.filter((line) => line === '4-of-4 by a')).toHaveLength(2));
  drained();
  await eventually(() => expect(broker.who()).toBe('a a b b'));
});

test('what a dead process had is adopted; if it was not dead, it lets go and gets its part again', async () => {
  const broker = createBroker();
  const { leases, unless, rounds } = createLeases();
  let dead = false;
  await join(
    'a',
    broker,
    unless(() => dead),
  );
  await join('b', broker, leases);
  await eventually(() => expect(broker.who()).toBe('a a b b'));
  dead = true;
  await eventually(() => expect(broker.who()).toBe('b b b b'));
  await rounds(LONG);
  expect(broker.who()).toBe('b b b b');
  dead = false;
  await eventually(() => expect(broker.who().split(' ').toSorted().join('')).toBe('aabb'));
});

test('while they cannot agree each keeps what it has, and takes it again when the broker was away', async () => {
  const broker = createBroker();
  const { unless, rounds } = createLeases();
  let away = false;
  const flaky = unless(() => away);
  await join('a', broker, flaky);
  await join('b', broker, flaky);
  await eventually(() => expect(broker.who()).toBe('a a b b'));
  away = true;
  const opened = broker.opened.length;
  await rounds(LONG);
  expect(broker.opened).toHaveLength(opened);
  broker.restart();
  await eventually(() => expect(broker.opened).toHaveLength(opened + 4));
  expect(broker.who()).toBe('a a b b');
});

test('while they cannot agree, who loses a session alone waits before it takes it again: it may be another’s', async () => {
  const broker = createBroker();
  const { unless, rounds } = createLeases();
  let away = false;
  await join(
    'a',
    broker,
    unless(() => away),
  );
  away = true;
  await rounds(2);
  broker.take('1-of-4', 'b', () => {});
  const taken = performance.now();
  expect(broker.who()).toBe('b a a a');
  await eventually(() => expect(broker.who()).toBe('a a a a'));
  expect(performance.now() - taken).toBeGreaterThanOrEqual(YIELD_MS);
});

test('a store that has forgotten everything moves nothing', async () => {
  const broker = createBroker();
  const { leases, forget, rounds } = createLeases();
  await join('a', broker, leases);
  await join('b', broker, leases);
  await eventually(() => expect(broker.who()).toBe('a a b b'));
  const opened = broker.opened.length;
  for (let times = 0; times < 5; times++) {
    forget();
    await rounds(LONG);
    expect(broker.who()).toBe('a a b b');
  }
  expect(broker.opened).toHaveLength(opened);
});

test('two that know nothing of each other take a session from each other less and less often', async () => {
  const broker = createBroker();
  const { leases } = createLeases();
  await join('a', broker, leases);
  await join('b', broker, createMemoryLeases({ clock: systemClock }));
  const began = performance.now();
  const times = () => broker.opened.filter((line) => line.startsWith('1-of-4')).length;
  // Each has taken it twice: from then on they wait, a for YIELD_MS, b as long, then twice as long.
  await eventually(() => expect(times()).toBe(6));
  expect(performance.now() - began).toBeGreaterThan(2 * YIELD_MS);
});
