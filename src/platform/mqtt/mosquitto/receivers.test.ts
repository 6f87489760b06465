import { afterEach, expect, test } from 'vitest';
import { systemClock } from '#kernel/clock.ts';
import { silentLogger } from '#kernel/logger.ts';
import { createMemoryShares } from '#platform/shares/memory-shares.ts';
import type { Shares } from '#platform/shares/shares.port.ts';
import { eventually } from '../mqtt.harness.ts';
import { sessionsOf } from './partition.ts';
import { createReceivers, type Receivers } from './receivers.ts';

const SESSIONS = sessionsOf(4);
const ROUND_MS = 5;
const TTL_MS = 60;
const YIELD_MS = 1_000;

/** A broker at which each session has one user: the one that opened it last. */
function createBroker() {
  const users = new Map<string, { name: string; lose(takenOver: boolean): void }>();
  const opened: string[] = [];
  return {
    opened,
    who: () => SESSIONS.map(({ name }) => users.get(name)?.name ?? '-').join(' '),
    lose: (session: string, takenOver = false) => users.get(session)?.lose(takenOver),
    /** Takes a session as `name`, without a word to who has it if `silently`. */
    take(session: string, name: string, lose: (takenOver: boolean) => void, silently = false) {
      const former = users.get(session);
      users.set(session, { name, lose });
      opened.push(`${session} by ${name}`);
      former?.lose(!silently);
    },
    leave(session: string, name: string) {
      if (users.get(session)?.name === name) users.delete(session);
    },
  };
}

/** Shares whose rounds are counted, and that may be away. */
function createShares() {
  let shares = createMemoryShares({ clock: systemClock });
  let rounds = 0;
  const watched: Shares = {
    async round(round) {
      rounds += 1;
      return await shares.round(round);
    },
    release: (...args) => shares.release(...args),
    leave: (...args) => shares.leave(...args),
  };
  return {
    shares: watched,
    /** The same for one member, which is cut off while `isCut` says so. */
    unless: (isCut: () => boolean): Shares => ({
      ...watched,
      round: async (round) => {
        rounds += 1;
        if (isCut()) throw new Error('away');
        return await shares.round(round);
      },
    }),
    forget() {
      shares = createMemoryShares({ clock: systemClock });
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

async function join(
  name: string,
  broker: Broker,
  shares: Shares,
  more: { drained?: Promise<void>; silently?: boolean } = {},
) {
  const receivers = createReceivers({
    shares,
    sessions: SESSIONS,
    logger: silentLogger,
    roundMs: ROUND_MS,
    ttlMs: TTL_MS,
    yieldMs: YIELD_MS,
    use(session, onLost) {
      let up = false;
      return {
        async open() {
          up = true;
          broker.take(
            session.name,
            name,
            (takenOver) => {
              up = false;
              onLost(takenOver);
            },
            more.silently,
          );
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
  const { shares } = createShares();
  await join('a', broker, shares);
  expect(broker.who()).toBe('a a a a');
  const b = await join('b', broker, shares);
  await eventually(() => expect(broker.who()).toBe('a a b b'));
  await join('c', broker, shares);
  await eventually(() => expect(broker.who().split(' ').toSorted().join('')).toMatch(/^(aabc|abbc|abcc)$/));
  await b.stop(AbortSignal.timeout(1_000));
  await eventually(() => expect(broker.who().split(' ').toSorted().join('')).toBe('aacc'));
});

test('a session is handed over when it is drained, not before', async () => {
  const broker = createBroker();
  const { shares, rounds } = createShares();
  let drained = () => {};
  await join('a', broker, shares, { drained: new Promise((resolve) => (drained = resolve)) });
  await join('b', broker, shares);
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
  const { shares, unless, rounds } = createShares();
  let dead = false;
  await join(
    'a',
    broker,
    unless(() => dead),
  );
  await join('b', broker, shares);
  await eventually(() => expect(broker.who()).toBe('a a b b'));
  dead = true;
  await eventually(() => expect(broker.who()).toBe('b b b b'));
  await rounds(LONG);
  expect(broker.who()).toBe('b b b b');
  dead = false;
  await eventually(() => expect(broker.who().split(' ').toSorted().join('')).toBe('aabb'));
});

test('while they cannot agree each keeps what it has, and a lost connection is made again', async () => {
  const broker = createBroker();
  const { unless, rounds } = createShares();
  let away = false;
  const flaky = unless(() => away);
  await join('a', broker, flaky);
  await join('b', broker, flaky);
  await eventually(() => expect(broker.who()).toBe('a a b b'));
  away = true;
  broker.lose('1-of-4');
  await eventually(() => expect(broker.opened.filter((line) => line === '1-of-4 by a')).toHaveLength(2));
  await rounds(LONG);
  expect(broker.who()).toBe('a a b b');
});

test('a store that has forgotten everything moves nothing', async () => {
  const broker = createBroker();
  const { shares, forget, rounds } = createShares();
  await join('a', broker, shares);
  await join('b', broker, shares);
  await eventually(() => expect(broker.who()).toBe('a a b b'));
  const opened = broker.opened.length;
  for (let times = 0; times < 5; times++) {
    forget();
    await rounds(LONG);
    expect(broker.who()).toBe('a a b b');
  }
  expect(broker.opened).toHaveLength(opened);
});

test('two that know nothing of each other: who is told that it lost a session waits before it takes it back', async () => {
  const broker = createBroker();
  const { shares, rounds } = createShares();
  await join('a', broker, shares);
  await join('b', broker, createMemoryShares({ clock: systemClock }));
  const began = performance.now();
  await rounds(10);
  expect(broker.opened).toHaveLength(8);
  expect(broker.who()).toBe('b b b b');
  await eventually(() => expect(broker.who()).toBe('a a a a'));
  expect(performance.now() - began).toBeGreaterThan(YIELD_MS / 2);
});
