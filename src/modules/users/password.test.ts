import { argon2Sync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { createPasswordHasher } from './password.ts';

const PHC = /^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/;

describe('password hashing', () => {
  test('is argon2id in PHC format with a salt of its own', async () => {
    const { hash, verify } = createPasswordHasher();
    const [first, second] = await Promise.all([hash('correct horse'), hash('correct horse')]);
    expect(first).toMatch(PHC);
    expect(second).toMatch(PHC);
    expect(first).not.toBe(second);
    expect(await verify('correct horse', first)).toBe(true);
    expect(await verify('correct horsf', first)).toBe(false);
    expect(await verify('', first)).toBe(false);
  });

  test('verifies with the parameters that are stored, not with today’s', async () => {
    const nonce = Buffer.alloc(16, 7);
    const cost = { memory: 64, passes: 3, parallelism: 2 };
    const tag = argon2Sync('argon2id', { ...cost, nonce, message: 'old', tagLength: 24 });
    const stored = `$argon2id$v=19$m=64,t=3,p=2$${nonce.toString('base64').replace(/=+$/, '')}$${tag.toString('base64')}`;
    const { verify } = createPasswordHasher();
    expect(await verify('old', stored)).toBe(true);
    expect(await verify('new', stored)).toBe(false);
  });

  test('nobody’s hash is never right', async () => {
    expect(await createPasswordHasher().verify('anything', null)).toBe(false);
  });

  test('a stored hash of another kind is a bug, not a wrong password', async () => {
    await expect(createPasswordHasher().verify('x', '$2b$10$abc')).rejects.toThrow('PHC');
  });

  test('two at once, a bounded number behind them, the rest is refused at once', async () => {
    const { hash } = createPasswordHasher({ maxWaiting: 3 });
    const results = await Promise.allSettled(Array.from({ length: 8 }, () => hash('correct horse')));
    expect(results.map(({ status }) => status)).toEqual([...Array(5).fill('fulfilled'), ...Array(3).fill('rejected')]);
    expect(results[7]).toMatchObject({
      reason: { kind: 'limited', code: 'password_checks_busy', details: { retryAfterSeconds: 2 } },
    });
    expect(await hash('free again')).toMatch(PHC);
  });

  test('one client that fills its line delays and refuses nobody else', async () => {
    const { hash } = createPasswordHasher();
    const order: string[] = [];
    const ask = (client: string) =>
      hash('correct horse', client).then(
        () => void order.push(client),
        ({ code }: { readonly code: string }) => void order.push(`${client} ${code}`),
      );
    const flood = Array.from({ length: 40 }, () => ask('flood'));
    await ask('guest');
    // Two were being computed, 20 of the flood waited, 18 were refused at once; the guest had the next turn but one.
    // Without turns it would have been the last of 23.
    expect(order.filter((entry) => entry === 'flood password_checks_busy')).toHaveLength(18);
    expect(order.filter((entry) => entry === 'flood').length).toBeLessThan(12);
    await Promise.all(flood);
    expect(order.filter((entry) => entry === 'flood')).toHaveLength(22);
  });
});
