import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ApiClient, type RegisteredDevice, signIn } from '../support/api-client.ts';
import { type AttackedServer, startAttackedServer } from './attacked-server.ts';

/** As many as one test of a rule may look at. */
const SAMPLES = 200_000;
const START = Date.now() - SAMPLES - 60_000;

let attacked: AttackedServer;
let user: ApiClient;
let other: ApiClient;
let device: RegisteredDevice;
let othersDevice: RegisteredDevice;

beforeAll(async () => {
  attacked = await startAttackedServer();
  const { api, server } = attacked;
  const signedIn: ApiClient[] = [];
  const devices: RegisteredDevice[] = [];
  for (const name of ['user', 'other']) {
    const person = { email: `${name}@example.com`, password: 'correct horse battery' };
    const { id } = await api.call('POST', '/api/v1/users', { ...person, role: 'USER' });
    devices.push(await api.registerDevice({ owner_id: id }));
    signedIn.push(await signIn(server, person));
  }
  [user, other] = signedIn as [ApiClient, ApiClient];
  [device, othersDevice] = devices as [RegisteredDevice, RegisteredDevice];
  for (let from = 0; from < SAMPLES; from += 1_000) await ingest(device, from, 1_000);
  await ingest(othersDevice, 0, 10);
}, 180_000);
afterAll(() => attacked.stop());

async function ingest({ uid, secret }: RegisteredDevice, from: number, count: number): Promise<void> {
  const samples = Array.from({ length: count }, (_, index) => ({
    timestamp: START + from + index,
    metrics: { value: index % 2 },
  }));
  const response = await fetch(`${attacked.server.httpUrl}/api/v1/ingest/telemetry`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Basic ${btoa(`${uid}:${secret}`)}` },
    body: JSON.stringify(samples),
  });
  if (!response.ok) throw new Error(await response.text());
}

/** Nothing of it is ever true, so that every sample is looked at. */
async function testRule({ token }: ApiClient, { id }: RegisteredDevice) {
  const rule = {
    ...{ name: 'A test', metric: 'value', condition: 'gt', threshold: 5, severity: 'INFO' },
    scope: { device_id: id },
  };
  const range = { start: new Date(START).toISOString(), end: new Date(START + SAMPLES).toISOString() };
  const response = await fetch(`${attacked.server.httpUrl}/api/v1/monitoring/alert-rules/test`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ rule, ...range }),
  });
  const body = (await response.json()) as { readonly code?: string; readonly devices?: readonly object[] };
  return { status: response.status, headers: response.headers, body };
}

test('one USER who tests rules again and again holds two places, and others test theirs meanwhile', async () => {
  const ofUser: Awaited<ReturnType<typeof testRule>>[] = [];
  const ofOther: Awaited<ReturnType<typeof testRule>>[] = [];
  const strain = await attacked.strainOf(async () => {
    let over = false;
    const attackers = Array.from({ length: 20 }, async () => {
      while (!over) ofUser.push(await testRule(user, device));
    });
    try {
      // They have run into their limit before anybody else comes, and go on.
      await expect.poll(() => ofUser.some(({ status }) => status === 429), { timeout: 20_000 }).toBe(true);
      for (let each = 0; each < 5; each += 1) ofOther.push(await testRule(other, othersDevice));
    } finally {
      over = true;
      await Promise.all(attackers);
    }
  });
  expect(ofOther.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
  expect(ofOther[0]?.body.devices).toMatchObject([{ device_id: othersDevice.id, samples: 10, alerts: [] }]);

  const refused = ofUser.filter(({ status }) => status === 429);
  expect(refused.map(({ body }) => body.code)).toContain('alert_tests_busy');
  for (const { body, headers } of refused) {
    // A USER's changes by any route are limited as well.
    expect(['alert_tests_busy', 'rate_limited']).toContain(body.code);
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
  }
  // What has a place is either done or told that it takes too long.
  expect(ofUser.filter(({ status }) => ![200, 422, 429].includes(status))).toEqual([]);
  expect(strain.slowestMs).toBeLessThan(25 * strain.quietMs);
}, 90_000);
