import { afterAll, beforeAll, expect, test } from 'vitest';
import { createPeople, type People } from '#test/support/people.ts';
import { type RunningSystem, startTestSystem } from '#test/support/system.ts';

let system: RunningSystem;
let people: People;
beforeAll(async () => {
  system = await startTestSystem({ USER_WRITE_LIMIT: '1/3600' });
  people = await createPeople(system);
});
afterAll(() => system.stop());

test('a USER who has made too many changes signs out, and changes the password', async () => {
  const user = await people.person('USER');
  const ask = async (method: 'POST' | 'PATCH', url: string, body?: object) =>
    (await system.request({ method, url, as: user.token(), ...(body && { body }) })).status;
  const rename = () => ask('PATCH', '/api/v1/users/me', { full_name: 'Kim' });
  expect([await rename(), await rename()]).toEqual([200, 429]);
  expect(await ask('POST', '/api/v1/auth/logout')).toBe(204);
  await user.signIn();
  expect(await rename()).toBe(429);
  const passwords = { current_password: user.password, new_password: 'another horse battery' };
  expect(await ask('POST', '/api/v1/users/me/password', passwords)).toBe(204);
});
