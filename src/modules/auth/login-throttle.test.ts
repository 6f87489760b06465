import { describe, expect, test } from 'vitest';
import { commonErrors } from '#kernel/errors.ts';
import { createMemoryCounters } from '#platform/cache/memory-counters.ts';
import { createTestClock } from '#test/support/clock.ts';
import { createLoginThrottle } from './login-throttle.ts';

const MINUTE = 60_000;

function setup() {
  const clock = createTestClock();
  return { clock, throttle: createLoginThrottle({ counters: createMemoryCounters({ clock }) }) };
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
    const throttle = createLoginThrottle({ counters: { increment: away, peek: away, reset: away } });
    let checked = false;
    const attempt = throttle.attempt('a', '1.1.1.1', async () => {
      checked = true;
      return 'user';
    });
    await expect(attempt).rejects.toMatchObject({ kind: 'unavailable', code: 'unavailable' });
    expect(checked).toBe(false);
  });
});
