import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { promisify } from 'node:util';
import mqtt from 'mqtt';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type ApiClient, signInAsSuperuser } from '../support/api-client.ts';
import { createTestPki, type TestPki } from '../support/certificates.ts';
import { temporaryFolder } from '../support/folders.ts';
import { type ServerProcess, startServer } from '../support/server-process.ts';

/* Devices that nobody has registered, with MQTT.js and Mosquitto's client, against the real process. */

const run = promisify(execFile);
const folder = temporaryFolder();
const settings = { DATA_DIR: folder.path };
let server: ServerProcess;
let api: ApiClient;
let pki: TestPki;

beforeAll(async () => {
  pki = createTestPki();
  server = await startServer(settings);
  api = await signInAsSuperuser(server, settings);
});
afterAll(async () => {
  expect(await server.end('SIGTERM')).toBe(0);
  pki.close();
  folder.remove();
});

interface Claim {
  readonly id: number;
  readonly token: string;
}

const claims = '/api/v1/provisioning/claims';

async function claim(body: object = {}): Promise<Claim> {
  const plan = { name: 'Batch', device_type: 'sensor', max_devices: 5, expires_at: '2100-01-01T00:00:00Z', ...body };
  return await api.call('POST', claims, plan);
}

/** Asks with MQTT.js: mosquitto_pub and mosquitto_sub are two connections, and an answer comes on that of its request. */
async function ask({ token }: Pick<Claim, 'token'>, body: object) {
  const client = await mqtt.connectAsync(server.mqttUrl, { username: 'claim', password: token, reconnectPeriod: 0 });
  try {
    const answered = new Promise<Buffer>((resolve) => client.once('message', (_topic, payload) => resolve(payload)));
    await client.subscribeAsync('provision/response', { qos: 1 });
    await client.publishAsync('provision/request', JSON.stringify(body), { qos: 1 });
    return JSON.parse((await answered).toString());
  } finally {
    await client.endAsync(true);
  }
}

async function askOverHttp({ token }: Claim, body: object) {
  const answer = await fetch(`${server.httpUrl}/api/v1/provision`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ token, ...body }),
  });
  return await answer.json();
}

const audited = async () =>
  (await api.call('GET', '/api/v1/system/audit-logs?action=claim.refused&size=1')).items[0].details;

test('a device registers itself over MQTT, connects where it is told with what it got, and publishes', async () => {
  const { csr } = pki.request('/CN=greenhouse-07');
  const made = await claim({ uid_pattern: 'greenhouse-*' });
  const request = { request_id: '1', idempotency_key: 'serial-4711', device_uid: 'greenhouse-07', csr };
  const answer = await ask(made, request);
  expect(answer).toMatchObject({ ok: true, request_id: '1', username: 'greenhouse-07' });
  expect(answer.mqtt).toMatchObject({ host: '127.0.0.1', port: server.mqttPort, tls: false });
  expect(new X509Certificate(answer.certificate.certificate).subject).toContain('greenhouse-07');
  // The answer was lost, and it asks once more.
  expect(await ask(made, request)).toEqual(answer);

  const { username, password, mqtt } = answer;
  const login = ['-h', mqtt.host, '-p', String(mqtt.port), '-u', username, '-P', password];
  const topic = mqtt.publish.find((each: string) => each.endsWith('/telemetry'));
  await run('mosquitto_pub', [...login, '-q', '1', '-t', topic, '-m', '{"temperature":21.4}'], { timeout: 10_000 });
  const [{ id }] = (await api.call('GET', '/api/v1/devices?q=greenhouse-07')).items;
  expect((await api.call('GET', `/api/v1/devices/${id}/telemetry/latest`)).metrics).toMatchObject({
    temperature: { value: 21.4 },
  });
  expect(await api.call('GET', `${claims}/${made.id}`)).toMatchObject({ used: 1 });
  const metrics = await (await fetch(`${server.httpUrl}/metrics`)).text();
  expect(metrics).toContain('core_api_claim_attempts_total{result="done"} 2');
});

test('a token of no claim does not get in, and one of a claim does nothing else', async () => {
  await expect(ask({ token: 'guess' }, {})).rejects.toMatchObject({ code: 5 });
  expect(await audited()).toMatchObject({ reason: 'claim_token_invalid' });
  const { token } = await claim();
  const login = ['-p', String(server.mqttPort), '-u', 'claim', '-P', token];
  const { stdout, stderr } = await run('mosquitto_sub', [...login, '-t', '#', '-W', '5'], { timeout: 10_000 }).catch(
    (error) => error,
  );
  expect([stdout, stderr]).toEqual(['', expect.stringMatching(/All subscription requests were denied/)]);
});

test('what a claim refuses: the device, the attempts and the audit trail say why, over MQTT and HTTP', async () => {
  await api.registerDevice({ device_uid: 'taken-1' });
  const revoked = await claim();
  await api.call('POST', `${claims}/${revoked.id}/revoke`);
  const usedUp = await claim({ max_devices: 1 });
  await askOverHttp(usedUp, {});
  const cases = [
    [usedUp, {}, 'claim_used_up'],
    [revoked, {}, 'claim_revoked'],
    [await claim(), { device_type: 'pump' }, 'claim_type_refused'],
    [await claim({ uid_pattern: 'x-*' }), { device_uid: 'y-1' }, 'claim_uid_refused'],
    [await claim(), { device_uid: 'taken-1' }, 'device_uid_taken'],
  ] as const;
  for (const [claimed, body, code] of cases) {
    expect(await ask(claimed, body)).toMatchObject({ ok: false, code });
    expect(await audited()).toMatchObject({ reason: code });
  }
  // Of one address ten a minute are written one by one.
  for (const [claimed, body, code] of cases) {
    expect(await askOverHttp(claimed, body)).toMatchObject({ code });
    const attempts = (await api.call('GET', `${claims}/${claimed.id}/attempts?size=2`)).items;
    expect(attempts).toMatchObject([{ error: code }, { error: code }]);
  }
  const expired = await claim({ uids: ['nobody'], expires_at: new Date(Date.now() + 1_000).toISOString() });
  await vi.waitFor(
    async () => expect(await askOverHttp(expired, { device_uid: 'x' })).toMatchObject({ code: 'claim_expired' }),
    { timeout: 5_000, interval: 250 },
  );
  expect(await ask(expired, { device_uid: 'nobody' })).toMatchObject({ ok: false, code: 'claim_expired' });
});
