import { describe, expect, test } from 'vitest';
import { commonErrors } from '#kernel/errors.ts';
import { createMemoryCounters } from '#platform/cache/memory-counters.ts';
import { createTestClock } from '#test/support/clock.ts';
import { createLoginThrottle } from './auth.throttles.ts';

const MINUTE = 60_000;

/** @param known accounts that were signed in to, and from where */
function setup(known: readonly (readonly [string, string])[] = []) {
  const clock = createTestClock();
  const isKnown = async (account: string, network: string) => known.some(([a, n]) => a === account && n === network);
  return { clock, throttle: createLoginThrottle({ counters: createMemoryCounters({ clock }), isKnown }) };
}
const wrong = async () => null;
const right = async () => 'user';
const limited = { kind: 'limited', code: 'too_many_logins' };

describe('login throttle', () => {
  test('the sixth attempt after five failures is refused unseen, until the window ends', async () => {
    const { clock, throttle } = setup();
    for (let i = 0; i < 5; i++) {
      expect(await throttle.attempt('a', '1.1.1.1', wrong)).toBeNull();
      clock.advance(MINUTE);
    }
    let checked = false;
    const sixth = throttle.attempt('a', '1.1.1.1', async () => {
      checked = true;
      return 'user';
    });
    await expect(sixth).rejects.toMatchObject({ ...limited, details: { retryAfterSeconds: 10 * 60 } });
    expect(checked).toBe(false);
    clock.advance(10 * MINUTE);
    expect(await throttle.attempt('a', '1.1.1.1', right)).toBe('user');
  });

  test('other accounts and other addresses are not affected', async () => {
    const { throttle } = setup();
    for (let i = 0; i < 5; i++) await throttle.attempt('a', '1.1.1.1', wrong);
    expect(await throttle.attempt('b', '1.1.1.1', right)).toBe('user');
    expect(await throttle.attempt('a', '2.2.2.2', right)).toBe('user');
  });

  test('an IPv6 address counts with its network: 2^64 addresses are no 2^64 guesses', async () => {
    const { throttle } = setup();
    for (let i = 0; i < 5; i++) await throttle.attempt('a', `2001:db8:1:2::${i}`, wrong);
    await expect(throttle.attempt('a', '2001:db8:1:2:ffff::1', right)).rejects.toMatchObject(limited);
    expect(await throttle.attempt('a', '2001:db8:1:3::1', right)).toBe('user');
  });

  test('many addresses together get twenty guesses an hour at one account, in a row or at once', async () => {
    for (const atOnce of [false, true]) {
      const { clock, throttle } = setup();
      let guesses = 0;
      const guess = async (address: number) => {
        const check = async () => {
          guesses += 1;
          await new Promise((resolve) => setImmediate(resolve));
          return null;
        };
        for (let i = 0; i < 5; i++) await throttle.attempt('a', `192.0.2.${address}`, check).catch(() => {});
      };
      const addresses = Array.from({ length: 25 }, (_, address) => address);
      if (atOnce) await Promise.all(addresses.map(guess));
      else for (const address of addresses) await guess(address);
      expect(guesses).toBe(20);
      await expect(throttle.attempt('a', '198.51.100.1', right)).rejects.toMatchObject(limited);
      expect(await throttle.attempt('b', '192.0.2.1', right)).toBe('user');
      clock.advance(60 * MINUTE);
      expect(await throttle.attempt('a', '198.51.100.1', right)).toBe('user');
    }
  });

  test('strangers do not lock out who comes from where it signed in before', async () => {
    const { throttle } = setup([['a', '198.51.100.1']]);
    for (let i = 0; i < 20; i++) await throttle.attempt('a', `192.0.2.${i}`, wrong);
    await expect(throttle.attempt('a', '198.51.100.2', right)).rejects.toMatchObject(limited);
    expect(await throttle.attempt('a', '198.51.100.1', right)).toBe('user');
    // There the narrow limit holds all the same.
    for (let i = 0; i < 5; i++) await throttle.attempt('a', '198.51.100.1', wrong);
    await expect(throttle.attempt('a', '198.51.100.1', right)).rejects.toMatchObject(limited);
  });

  test('one address gets a hundred guesses at all accounts, but those who are known there', async () => {
    const { clock, throttle } = setup([['colleague', '192.0.2.1']]);
    for (let i = 0; i < 100; i++) await throttle.attempt(`user-${i}`, '192.0.2.1', wrong);
    await expect(throttle.attempt('another', '192.0.2.1', right)).rejects.toMatchObject(limited);
    expect(await throttle.attempt('colleague', '192.0.2.1', right)).toBe('user');
    expect(await throttle.attempt('another', '192.0.2.2', right)).toBe('user');
    clock.advance(15 * MINUTE);
    expect(await throttle.attempt('another', '192.0.2.1', right)).toBe('user');
  });

  test('success forgets the failures', async () => {
    const { throttle } = setup();
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 4; i++) await throttle.attempt('a', '1.1.1.1', wrong);
      expect(await throttle.attempt('a', '1.1.1.1', right)).toBe('user');
    }
  });

  test('many at once get no more guesses than many in a row', async () => {
    const { throttle } = setup();
    let checks = 0;
    const attempts = await Promise.allSettled(
      Array.from({ length: 40 }, () =>
        throttle.attempt('a', '1.1.1.1', async () => {
          checks += 1;
          await new Promise((resolve) => setImmediate(resolve));
          return null;
        }),
      ),
    );
    expect(checks).toBe(5);
    expect(attempts.filter(({ status }) => status === 'rejected')).toHaveLength(35);
  });

  test('many right ones at once all pass; beyond a bound they are sent away', async () => {
    const { throttle } = setup();
    const attempts = await Promise.allSettled(
      Array.from({ length: 60 }, () => throttle.attempt('a', '1.1.1.1', right)),
    );
    const passed = attempts.filter(({ status }) => status === 'fulfilled').length;
    expect(passed).toBeGreaterThanOrEqual(50);
    expect(passed).toBeLessThan(60);
    expect(await throttle.attempt('a', '1.1.1.1', right)).toBe('user');
  });

  test('a check that throws counts as nothing and lets the next one in', async () => {
    const { throttle } = setup();
    const broken = async () => {
      throw new Error('away');
    };
    for (let i = 0; i < 6; i++) await expect(throttle.attempt('a', '1.1.1.1', broken)).rejects.toThrow('away');
    expect(await throttle.attempt('a', '1.1.1.1', right)).toBe('user');
  });

  test('while nobody can count, nothing is checked', async () => {
    const away = async () => {
      throw commonErrors.unavailable();
    };
    const throttle = createLoginThrottle({ counters: { increment: away, peek: away, reset: away }, isKnown: away });
    let checked = false;
    const attempt = throttle.attempt('a', '1.1.1.1', async () => {
      checked = true;
      return 'user';
    });
    await expect(attempt).rejects.toMatchObject({ kind: 'unavailable', code: 'unavailable' });
    expect(checked).toBe(false);
  });
});
