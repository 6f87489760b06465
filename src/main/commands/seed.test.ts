import { afterEach, beforeEach, expect, test } from 'vitest';
import { createPeople } from '#test/support/people.ts';
import { type RunningSystem, startTestSystem } from '#test/support/system.ts';
import { withRelationalStore } from './relational.ts';
import { seed, seedSampleData } from './seed.ts';

let system: RunningSystem;
beforeEach(async () => {
  // Beside a running server, as people would call it.
  system = await startTestSystem();
});
afterEach(() => system.stop());

async function login(email: string, password: string) {
  return system.request({ method: 'POST', url: '/api/v1/auth/login', body: { email, password } });
}

test('makes people of each role who can sign in, devices that can log in, groups and rules', async () => {
  const { made, there } = await seedSampleData(system.settings);
  expect(there).toEqual([]);
  const people = made.flatMap((line) => [...line.matchAll(/^([A-Z]+) (\S+) {3}password (\S+)$/g)]);
  expect(people.map(([, role]) => role)).toEqual(['SUPERADMIN', 'ADMIN', 'MANAGER', 'USER']);
  const tokens = [];
  for (const [, , email = '', password = ''] of people) {
    const answer = await login(email, password);
    expect(answer.status).toBe(200);
    tokens.push(answer.json().access_token);
  }
  const [admin, , , user] = tokens;

  const list = async (url: string, as: string) => (await system.request({ url: `/api/v1${url}`, as })).json();
  expect((await list('/devices', admin)).total).toBe(5);
  expect((await list('/devices', user)).items).toMatchObject([{ device_uid: 'greenhouse-01' }]);
  expect((await list('/device-groups', admin)).total).toBe(2);
  expect((await list('/monitoring/alert-rules', admin)).total).toBe(2);

  const secret = made.join('\n').match(/device greenhouse-01 {3}secret (\S+)/)?.[1];
  const authorization = `Basic ${Buffer.from(`greenhouse-01:${secret}`).toString('base64')}`;
  const ingest = { method: 'POST', url: '/api/v1/ingest/telemetry', body: { temperature: 21 } } as const;
  expect((await system.request({ ...ingest, headers: { authorization } })).json()).toMatchObject({ stored: 1 });
  const trail = await list('/system/audit-logs?action=device.created', admin);
  expect(trail.items).toHaveLength(5);
});

test('makes nothing twice, and leaves what is there as it is', async () => {
  const first = await seedSampleData(system.settings);
  const people = await createPeople(system);
  const group = await system.request({ url: '/api/v1/device-groups?q=Greenhouse', as: people.ADMIN.token() });
  const { id } = group.json().items[0];
  const body = { description: 'Ours' };
  await system.request({ method: 'PATCH', url: `/api/v1/device-groups/${id}`, body, as: people.ADMIN.token() });

  const second = await seedSampleData(system.settings);
  expect(second.made).toEqual([]);
  expect(second.there).toHaveLength(first.made.length);
  const after = await system.request({ url: `/api/v1/device-groups/${id}`, as: people.ADMIN.token() });
  expect(after.json().description).toBe('Ours');
  const password = first.made[0]?.split(' ').at(-1) ?? '';
  expect((await login('superadmin@example.com', password)).status).toBe(401);
});

test('somebody else has the address of the SUPERADMIN: nothing is made', async () => {
  await withRelationalStore(system.settings, ({ users }) =>
    users.create({ email: 'superadmin@example.com', password: 'correct horse', role: 'USER' }),
  );
  await expect(seedSampleData(system.settings)).rejects.toThrow('superadmin@example.com is there already, as USER');
  const people = await withRelationalStore(system.settings, ({ users }) => users.counts());
  expect(people).toEqual({ users: 1 });
});

test('takes no arguments', async () => {
  await expect(seed.run(['x'], system.settings)).rejects.toThrow('seed takes no arguments');
});
