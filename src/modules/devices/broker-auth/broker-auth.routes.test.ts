import { afterAll, beforeAll, expect, test } from 'vitest';
import { createDevicesHarness, type DevicesHarness } from '#test/support/devices.ts';
import { createTestApp, type TestApp } from '#test/support/http.ts';
import { createBrokerAuthRoutes } from './broker-auth.routes.ts';
import { createBrokerAuthService } from './broker-auth.service.ts';

const SECRET = 'shared-between-broker-and-api';
let h: DevicesHarness;
let app: TestApp;
let password: string;
beforeAll(async () => {
  h = await createDevicesHarness();
  const service = createBrokerAuthService({ devices: h.api, channels: ['telemetry', 'status', 'log', 'response'] });
  app = await createTestApp({ routes: [{ prefix: '/api/v1/mqtt', routes: createBrokerAuthRoutes(service, SECRET) }] });
  ({ password } = (await h.device({ device_uid: 'pump' })).credentials);
});
afterAll(() => Promise.all([h.close(), app.close()]));

const headers = { 'x-mqtt-auth-secret': SECRET };
const ask = (path: string, body: unknown) =>
  app.request({ method: 'POST', url: `/api/v1/mqtt/${path}`, body, headers });

test('nobody asks without the secret', async () => {
  for (const wrong of [{}, { 'x-mqtt-auth-secret': 'guess' }]) {
    const body = { username: 'pump', password };
    const answer = await app.request({ method: 'POST', url: '/api/v1/mqtt/auth', body, headers: wrong });
    expect(answer.status).toBe(401);
  }
});

test('EMQX: a login is told in the body', async () => {
  const login = async (body: unknown) => (await ask('auth', body)).json();
  expect(await login({ username: 'pump', password, clientid: 'x' })).toEqual({ result: 'allow', is_superuser: false });
  expect(await login({ username: 'pump', password: 'wrong' })).toEqual({ result: 'deny', is_superuser: false });
  expect(await login({ username: 'nobody', password })).toEqual({ result: 'deny', is_superuser: false });
});

test('whoever has the token of a claim is no device: it registers itself over HTTP there', async () => {
  const expires_at = new Date(h.clock.now() + 3_600_000).toISOString();
  const body = { name: 'Batch', device_type: 'sensor', max_devices: 1, expires_at };
  const made = await h.app.request({ method: 'POST', url: '/api/v1/provisioning/claims', as: h.actors.ADMIN, body });
  const login = { username: 'claim', password: made.json().token, clientid: 'x' };
  expect((await ask('auth', login)).json().result).toBe('deny');
  for (const [action, topic] of [
    ['publish', 'provision/request'],
    ['subscribe', 'provision/response'],
  ]) {
    expect((await ask('acl', { username: 'claim', topic, action })).json().result).toBe('deny');
  }
});

test.each([
  ['publish', 'devices/pump/telemetry', 'allow'],
  ['publish', 'devices/pump/response', 'allow'],
  ['subscribe', 'devices/pump/command', 'allow'],
  ['publish', 'devices/pump/command', 'deny'],
  ['subscribe', 'devices/pump/telemetry', 'deny'],
  ['publish', 'devices/other/telemetry', 'deny'],
  ['subscribe', 'devices/pump/+', 'deny'],
  ['subscribe', 'devices/pump/#', 'deny'],
  ['subscribe', '#', 'deny'],
  ['publish', 'devices/pump/telemetry/x', 'deny'],
])('%s %s: %s', async (action, topic, result) => {
  expect((await ask('acl', { username: 'pump', topic, action })).json().result).toBe(result);
  const accs = action === 'publish' ? [2] : [1, 4];
  for (const acc of accs) {
    const answer = await ask('acl?reply=status', { username: 'pump', topic, acc, clientid: 'pump' });
    expect(answer.status).toBe(result === 'allow' ? 200 : 403);
  }
});

test('a device that is not there may nothing; nothing is for reading and writing both', async () => {
  const topic = { username: 'ghost', topic: 'devices/ghost/telemetry', action: 'publish' };
  expect((await ask('acl', topic)).json().result).toBe('deny');
  expect((await ask('acl', { username: 'pump', topic: 'devices/pump/log', acc: 3 })).json().result).toBe('deny');
  expect((await ask('superuser?reply=status', { username: 'pump' })).status).toBe(403);
});

test('mosquitto-go-auth may ask as a form', async () => {
  const form = async (path: string, fields: Record<string, string>) => {
    const type = { 'content-type': 'application/x-www-form-urlencoded' };
    const raw = new URLSearchParams(fields).toString();
    const url = `/api/v1/mqtt/${path}?reply=status`;
    return (await app.request({ method: 'POST', url, raw, headers: { ...headers, ...type } })).status;
  };
  expect(await form('auth', { username: 'pump', password, clientid: 'c' })).toBe(200);
  expect(await form('auth', { username: 'pump', password: 'no', clientid: 'c' })).toBe(403);
  expect(await form('acl', { username: 'pump', topic: 'devices/pump/log', acc: '2', clientid: 'c' })).toBe(200);
  expect(await form('acl', { username: 'pump', topic: 'devices/pump/log', acc: 'x', clientid: 'c' })).toBe(422);
});
