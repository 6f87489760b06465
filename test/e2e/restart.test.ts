import { connectAsync } from 'mqtt';
import { afterEach, expect, test } from 'vitest';
import { signInAsSuperuser } from '../support/api-client.ts';
import { temporaryFolder } from '../support/folders.ts';
import { type ServerProcess, startServer } from '../support/server-process.ts';

const folder = temporaryFolder();
let server: ServerProcess | undefined;
afterEach(async () => {
  await server?.end('SIGKILL');
  folder.remove();
});

test.each(['SIGTERM', 'SIGKILL'] as const)('a restart after %s is no failure of a device', async (signal) => {
  const env = { DATA_DIR: `${folder.path}/${signal}` };
  server = await startServer(env);
  let api = await signInAsSuperuser(server, env);
  const { id, uid, secret } = await api.registerDevice();
  const login = { username: uid, password: secret, reconnectPeriod: 0 };
  await connectAsync(server.mqttUrl, login);
  await expect.poll(async () => (await api.call('GET', `/api/v1/devices/${id}`)).status).toBe('ONLINE');
  await server.end(signal);

  server = await startServer(env);
  const again = await connectAsync(server.mqttUrl, login);
  api = await signInAsSuperuser(server, env);
  await expect.poll(async () => (await api.call('GET', `/api/v1/devices/${id}`)).status).toBe('ONLINE');
  const range = `start=${new Date(Date.now() - 60_000).toISOString()}&end=${new Date().toISOString()}`;
  const uptime = () => api.call('GET', `/api/v1/analytics/status/${id}?${range}`);
  expect(await uptime()).toMatchObject({ failures: 0, mtbf_hours: null, transitions: 3 });
  // That a process was killed shows when it has said nothing for 15 s.
  await expect.poll(async () => (await uptime()).seconds_unknown, { timeout: 30_000 }).toBeGreaterThan(0);
  await again.endAsync();
});

test('a device that sends by HTTP alone is ONLINE with its first message', async () => {
  const env = { DATA_DIR: `${folder.path}/http` };
  const running = await startServer(env);
  server = running;
  const api = await signInAsSuperuser(running, env);
  const { id, uid, secret } = await api.registerDevice();
  const send = (channel: string, body: object) =>
    fetch(`${running.httpUrl}/api/v1/ingest/${channel}`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        authorization: `Basic ${Buffer.from(`${uid}:${secret}`).toString('base64')}`,
      },
      body: JSON.stringify(body),
    });
  const status = async () => (await api.call('GET', `/api/v1/devices/${id}`)).status;
  expect((await send('telemetry', { t: 1 })).status).toBe(200);
  expect(await status()).toBe('ONLINE');
  // What it says of itself stands, whatever it measures then.
  await send('status', { status: 'ERROR' });
  await send('telemetry', { t: 2 });
  expect(await status()).toBe('ERROR');
  await send('status', { status: 'OFFLINE' });
  expect(await status()).toBe('OFFLINE');
  await send('log', { event_type: 'woke_up' });
  expect(await status()).toBe('ONLINE');
});
