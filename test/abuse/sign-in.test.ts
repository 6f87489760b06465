import { afterAll, beforeAll, expect, test } from 'vitest';
import { type AttackedServer, startAttackedServer } from './attacked-server.ts';

let attacked: AttackedServer;
beforeAll(async () => {
  attacked = await startAttackedServer();
});
afterAll(() => attacked.stop());

test('a flood of sign-ins from one address is refused beyond its share, and others do not wait for it', async () => {
  const answers: number[] = [];
  const guess = async (_: unknown, index: number) => {
    const response = await fetch(`${attacked.server.httpUrl}/api/v1/auth/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ email: `nobody-${index}@example.com`, password: 'not the password' }),
    });
    answers.push(response.status);
    await response.arrayBuffer();
  };
  const strain = await attacked.strainOf(() => Promise.all(Array.from({ length: 200 }, guess)));
  expect(new Set(answers)).toEqual(new Set([401, 429]));
  expect(strain.slowestMs).toBeLessThan(25 * strain.quietMs);
  // Argon2id takes 19 MiB a check, two at a time.
  expect(strain.grownBytes).toBeLessThan(150 * 2 ** 20);
});
