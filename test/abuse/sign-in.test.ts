import { afterAll, beforeAll, expect, test } from 'vitest';
import { type AttackedServer, startAttackedServer } from './attacked-server.ts';

let attacked: AttackedServer;
beforeAll(async () => {
  // Clients have addresses of their own, as behind a proxy.
  attacked = await startAttackedServer({ TRUST_PROXY: 'true' });
});
afterAll(() => attacked.stop());

function signIn(email: string, password: string, from: string): Promise<Response> {
  return fetch(`${attacked.server.httpUrl}/api/v1/auth/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-forwarded-for': from },
    body: JSON.stringify({ email, password }),
  });
}

test('a flood of sign-ins from one address is refused beyond its share, and others do not wait for it', async () => {
  const answers: number[] = [];
  const guess = async (_: unknown, index: number) => {
    const response = await signIn(`nobody-${index}@example.com`, 'not the password', '192.0.2.1');
    answers.push(response.status);
    await response.arrayBuffer();
  };
  const strain = await attacked.strainOf(() => Promise.all(Array.from({ length: 200 }, guess)));
  expect(new Set(answers)).toEqual(new Set([401, 429]));
  expect(strain.slowestMs).toBeLessThan(25 * strain.quietMs);
  // Argon2id takes 19 MiB a check, two at a time.
  expect(strain.grownBytes).toBeLessThan(150 * 2 ** 20);
});

test('many clients that each send one sign-in after the other do not keep out who comes anew', async () => {
  const email = 'owner@example.com';
  const password = 'correct horse battery';
  await attacked.api.call('POST', '/api/v1/users', { email, password });
  let attacking = true;
  const flood = async (_: unknown, index: number) => {
    // Ten clients with twenty at once each: twice as many as may wait.
    while (attacking) {
      const response = await signIn(`nobody-${index}@example.com`, 'not the password', `192.0.2.${10 + (index % 10)}`);
      await response.arrayBuffer();
    }
  };
  const attack = Promise.all(Array.from({ length: 200 }, flood));
  const answers: number[] = [];
  for (let attempt = 0; attempt < 10; attempt += 1) {
    const response = await signIn(email, password, `198.51.100.${attempt}`);
    answers.push(response.status);
    await response.arrayBuffer();
  }
  attacking = false;
  await attack;
  expect(answers).toEqual(Array(10).fill(200));
});

test('more networks than may wait, with one sign-in each all the time, do not keep out who comes anew', async () => {
  const email = 'newcomer@example.com';
  const password = 'correct horse battery';
  await attacked.api.call('POST', '/api/v1/users', { email, password });
  const networks = Array.from({ length: 150 }, (_, network) => `2001:db8:1:${network.toString(16)}::1`);
  const guess = async (from: string, index: number) => {
    const response = await signIn(`stranger-${index}@example.com`, 'not the password', from);
    await response.arrayBuffer();
    return response.status;
  };
  // Each has had a turn then, and is no newcomer.
  for (const [index, from] of networks.entries()) expect(await guess(from, index)).toBe(401);
  const queueIsFull = Promise.withResolvers<void>();
  let attacking = true;
  const flood = async (from: string, index: number) => {
    while (attacking) if ((await guess(from, index)) === 429) queueIsFull.resolve();
  };
  const attack = Promise.all(networks.map(flood));
  await queueIsFull.promise;
  const answers: number[] = [];
  for (let attempt = 0; attempt < 3; attempt += 1) {
    const response = await signIn(email, password, `198.51.100.${100 + attempt}`);
    answers.push(response.status);
    await response.arrayBuffer();
  }
  attacking = false;
  await attack;
  expect(answers).toEqual(Array(3).fill(200));
});

test('one address makes no more than twenty users in an hour, and the others make theirs', async () => {
  const register = async (index: number, from: string) => {
    const response = await fetch(`${attacked.server.httpUrl}/api/v1/auth/register`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-forwarded-for': from },
      body: JSON.stringify({ email: `made-${index}@example.com`, password: 'correct horse battery' }),
    });
    await response.arrayBuffer();
    return response.status;
  };
  const answers: number[] = [];
  for (let index = 0; index < 60; index += 1)
    answers.push(await register(index, `2001:db8:2:1::${index.toString(16)}`));
  expect(answers).toEqual([...Array(20).fill(201), ...Array(40).fill(429)]);
  expect(await register(60, '2001:db8:2:2::1')).toBe(201);
});

test('guesses from a hundred networks are no more than twenty at one account', async () => {
  const email = 'target@example.com';
  const password = 'correct horse battery';
  await attacked.api.call('POST', '/api/v1/users', { email, password });
  const guess = async (from: string) => {
    const response = await signIn(email, 'not the password', from);
    await response.arrayBuffer();
    return response.status;
  };
  const answers: number[] = [];
  for (let address = 0; address < 100; address += 1) answers.push(await guess(`2001:db8:0:${address.toString(16)}::1`));
  expect(answers.filter((status) => status === 401)).toHaveLength(20);
  expect(new Set(answers.slice(20))).toEqual(new Set([429]));
});
