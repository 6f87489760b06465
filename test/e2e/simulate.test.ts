import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { afterEach, expect, test } from 'vitest';
import { type ApiClient, signInAsSuperuser } from '../support/api-client.ts';
import { temporaryFolder } from '../support/folders.ts';
import { coreProcess, runCore, type ServerProcess, startServer } from '../support/server-process.ts';

const folder = temporaryFolder();
let server: ServerProcess | undefined;
let fleet: ChildProcess | undefined;
afterEach(async () => {
  fleet?.kill('SIGKILL');
  await server?.end('SIGKILL');
  folder.remove();
});

const DEVICES = 8;
const env = { DATA_DIR: `${folder.path}/data` };

/** Runs the command; ended with its last words. */
function simulate(at: ServerProcess, ...options: readonly string[]) {
  const where = ['--api', at.httpUrl, '--broker', at.mqttUrl, '--fleet', `${folder.path}/fleet.json`];
  const pace = ['--interval', '0.5', '--step', '0.02', '--devices', String(DEVICES)];
  const child = coreProcess(['simulate', ...where, ...pace, ...options], env);
  fleet = child;
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (output += String(chunk)));
  return {
    output: () => output,
    async end() {
      child.kill('SIGTERM');
      const [code] = await once(child, 'exit');
      expect({ code, output }).toMatchObject({ code: 0 });
      return output.split('\n').find((line) => line.startsWith('In all:'));
    },
  };
}

async function online(api: ApiClient): Promise<void> {
  const count = async () => (await api.call('GET', '/api/v1/devices?status=ONLINE')).total;
  await expect.poll(count, { timeout: 30_000 }).toBe(DEVICES);
}

test('core simulate: commands, configuration and an update end as they should, and as its options say', async () => {
  server = await startServer(env);
  const api = await signInAsSuperuser(server, env);
  const login = ['--email', 'admin@example.com', '--password', 'correct horse battery'];

  const well = simulate(server, '--well', '--update-power-cut', '1', ...login);
  await online(api);
  const { items: devices } = await api.call('GET', '/api/v1/devices?sort=id');
  const command = { command: 'open_valve', wait_seconds: 30 };
  expect(await api.call('POST', `/api/v1/devices/${devices[0].id}/commands`, command)).toMatchObject({
    status: 'SUCCEEDED',
    result: { done: 'open_valve' },
  });

  const { id: group_id } = await api.call('POST', '/api/v1/device-groups', { name: 'All' });
  for (const { id } of devices) await api.call('PATCH', `/api/v1/devices/${id}`, { group_id });
  await api.call('PUT', `/api/v1/device-groups/${group_id}/config`, { interval_seconds: 1, led: true });
  const configOf = (id: number) => api.call('GET', `/api/v1/devices/${id}/config`);
  await expect.poll(well.output, { timeout: 30_000 }).toContain(`config: ${DEVICES} applied`);
  for (const { id } of devices) await expect.poll(async () => (await configOf(id)).in_sync).toBe(true);

  const uploaded = await fetch(`${server.httpUrl}/api/v1/firmware?device_type=pump&version=2.0.0`, {
    method: 'POST',
    headers: { authorization: `Bearer ${api.token}`, 'content-type': 'application/octet-stream' },
    body: randomBytes(50_000),
  });
  const { id: firmware_id } = (await uploaded.json()) as { id: number };
  const plan = { name: 'Pumps', firmware_id, target: { device_type: 'pump' } };
  const { id: campaign } = await api.call('POST', '/api/v1/campaigns', plan);
  await api.call('POST', `/api/v1/campaigns/${campaign}/start`);
  const status = async () => (await api.call('GET', `/api/v1/campaigns/${campaign}`)).status;
  await expect.poll(status, { timeout: 60_000, interval: 250 }).toBe('COMPLETED');
  const { items: pumps } = await api.call('GET', `/api/v1/campaigns/${campaign}/devices`);
  expect(pumps.map((each: { status: string }) => each.status)).toEqual(['SUCCEEDED', 'SUCCEEDED']);
  expect(await well.end()).toMatch(/command: 1 success; config: \d+ applied; update: 2 power cut, 2 installed\.$/);

  // The same devices, which the file keeps: nobody has to sign in.
  const unlucky = simulate(server, '--well', '--command-fails', '1', '--config-refused', '1');
  await online(api);
  expect(await api.call('POST', `/api/v1/devices/${devices[0].id}/commands`, command)).toMatchObject({
    status: 'FAILED',
    error: 'open_valve did not work',
  });
  await api.call('PUT', `/api/v1/devices/${devices[0].id}/config`, { led: false });
  const refusal = async () => (await configOf(devices[0].id)).reported.error;
  const { version } = (await configOf(devices[0].id)).desired;
  await expect.poll(refusal, { timeout: 20_000 }).toBe(`version ${version} cannot be applied here`);
  expect((await configOf(devices[0].id)).in_sync).toBe(false);
  expect(await unlucky.end()).toContain('1 error');
}, 180_000);

test('core simulate names an option that is wrong', async () => {
  await expect(runCore(['simulate', '--update-fails', '2'], env)).rejects.toThrow(
    '--update-fails is a share from 0 to 1',
  );
  await expect(runCore(['simulate', '--seed', 'x'], env)).rejects.toThrow('--seed is a whole number');
  await expect(runCore(['simulate'], env)).rejects.toThrow('give --email and --password');
});
