import mqtt, { type IClientOptions, type MqttClient } from 'mqtt';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestPki, type TestAuthority, type TestCertificate, type TestPki } from '#test/support/certificates.ts';
import { createPeople, type People } from '#test/support/people.ts';
import { type RunningSystem, startTestSystem } from '#test/support/system.ts';

/* Devices with certificates at the broker of the whole system: from the handshake to the audit trail. */

let pki: TestPki;
let server: TestCertificate;
let plant: TestAuthority;
let system: RunningSystem;
let people: People;
let caId: number;
const clients: MqttClient[] = [];

beforeAll(async () => {
  pki = createTestPki();
  server = pki.server();
  plant = await pki.authority();
  system = await startTestSystem({
    MQTT_TLS_PORT: '0',
    MQTT_TLS_CERT_FILE: server.certFile,
    MQTT_TLS_KEY_FILE: server.keyFile,
    MQTT_TLS_CLIENT_CERTS: 'required',
  });
  people = await createPeople(system);
  const { code } = await call('POST', '/provisioning/cas/registration-code');
  const proof = await plant.issue(code);
  const authority = { certificate: plant.certificate, verification_certificate: proof.certificate };
  caId = (await call('POST', '/provisioning/cas', { name: 'Plant CA', auto_register: true, ...authority })).id;
});
afterAll(async () => {
  for (const client of clients) await client.endAsync(true);
  await system.stop();
  pki.close();
});

async function call(method: 'GET' | 'POST', path: string, body?: object, query: Record<string, string> = {}) {
  const request = { method, url: `/api/v1${path}`, query, as: people.ADMIN.token() };
  const answer = await system.request(body === undefined ? request : { ...request, body });
  expect(answer.status, answer.text).toBeLessThan(300);
  return answer.json();
}

async function connect(options: IClientOptions): Promise<MqttClient> {
  const address = system.system.broker.addresses().find((each) => each.startsWith('mqtts:')) ?? '';
  const client = await mqtt.connectAsync(address, { ca: server.certificate, reconnectPeriod: 0, ...options });
  client.on('error', () => {});
  clients.push(client);
  return client;
}

const withCertificate = ({ certificate: cert, key }: TestCertificate) => ({ cert, key });
const deviceOf = async (uid: string) => (await call('GET', '/devices', undefined, { q: uid })).items[0];
const refusalsOf = async (uid: string) =>
  (await call('GET', `/devices/${(await deviceOf(uid)).id}/connection`)).refusals.map(
    ({ reason }: { reason: string }) => reason,
  );

test('a device that nobody has registered logs in, sends, and is cut off when its certificate is revoked', async () => {
  const certificate = await plant.issue('pump-1');
  const client = await connect(withCertificate(certificate));
  await client.publishAsync('devices/pump-1/telemetry', JSON.stringify({ metrics: { pressure: 2.5 } }), { qos: 1 });
  const { id } = await deviceOf('pump-1');
  expect(await call('GET', `/devices/${id}/telemetry/latest`)).toMatchObject({
    metrics: { pressure: { value: 2.5 } },
  });

  const [{ serial }] = (await call('GET', '/provisioning/certificates', undefined, { device_uid: 'pump-1' })).items;
  const closed = new Promise<void>((resolve) => client.once('close', () => resolve()));
  await call('POST', `/provisioning/cas/${caId}/revocations`, { serial, reason: 'stolen' });
  await closed;
  await expect(connect(withCertificate(certificate))).rejects.toMatchObject({ code: 5 });
  expect(await refusalsOf('pump-1')).toContain('certificate_revoked');
  const { items } = await call('GET', '/system/audit-logs', undefined, { action: 'certificate.refused' });
  expect(items).toMatchObject([
    { resource_id: String(id), ip_address: '127.0.0.1', details: { reason: 'certificate_revoked', serial } },
  ]);
});

test('a device renews its certificate by the one that it has; the first login with the new one ends the old one', async () => {
  const old = await plant.issue('pump-2');
  const first = await connect(withCertificate(old));
  const { csr, key } = pki.request('/CN=pump-2');
  const body = { csr, certificate: old.certificate, signature: pki.sign(csr, old.key) };
  const { certificate } = await call('POST', '/device/certificate/renew', body);
  await connect({ clientId: 'beside it', ...withCertificate(old) });

  const closed = new Promise<void>((resolve) => first.once('close', () => resolve()));
  const next = await connect({ clientId: 'new', cert: certificate, key });
  await closed;
  await expect(connect(withCertificate(old))).rejects.toMatchObject({ code: 5 });
  await next.publishAsync('devices/pump-2/telemetry', JSON.stringify({ metrics: { pressure: 1 } }), { qos: 1 });
});

test('a certificate that has ended, and one of an unknown authority, are refused with the reason in the audit trail', async () => {
  const device = await people.device();
  const day = 86_400_000;
  const ended = await plant.issue(device.uid, { notBefore: Date.now() - 2 * day, notAfter: Date.now() - day });
  const foreign = await (await pki.authority()).issue(device.uid);
  for (const [certificate, reason, device_uid] of [
    [ended, 'certificate_expired', device.uid],
    [foreign, 'certificate_unknown_ca', null],
  ] as const) {
    await expect(connect(withCertificate(certificate))).rejects.toMatchObject({ code: 5 });
    const { items } = await call('GET', '/system/audit-logs', undefined, { action: 'certificate.refused' });
    expect(items[0]).toMatchObject({ ip_address: '127.0.0.1', details: { reason, device_uid } });
  }
  expect(await refusalsOf(device.uid)).toEqual(['certificate_expired']);
});

test('a certificate of an unknown authority, and a secret alone, are refused; the reason is shown', async () => {
  const device = await people.device();
  const stranger = await (await pki.authority()).issue(device.uid);
  const username = device.uid;
  await expect(connect({ username, ...withCertificate(stranger) })).rejects.toMatchObject({ code: 5 });
  await expect(connect({ username, password: 'secret' })).rejects.toMatchObject({ code: 5 });
  expect(await refusalsOf(device.uid)).toEqual(['certificate_required', 'certificate_unknown_ca']);
});
