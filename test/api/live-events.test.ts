import { Ajv2020 } from 'ajv/dist/2020.js';
import { io, type Socket } from 'socket.io-client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestPki } from '#test/support/certificates.ts';
import { createPeople, type People, type TestDevice } from '#test/support/people.ts';
import { type RunningSystem, startTestSystem } from '#test/support/system.ts';

/* What people who are connected are sent, compared with what the AsyncAPI document says of it. */

interface AsyncApi {
  readonly channels: Readonly<
    Record<string, { readonly address: string; readonly messages: Record<string, { readonly payload: object }> }>
  >;
  readonly operations: Readonly<
    Record<string, { readonly action: string; readonly channel: { readonly $ref: string } }>
  >;
}

let system: RunningSystem;
let people: People;
const sockets: Socket[] = [];
/** `{namespace} {event}` → what was sent, in order. */
const sent = new Map<string, unknown[]>();

beforeAll(async () => {
  system = await startTestSystem();
  people = await createPeople(system);
  for (const namespace of ['/monitoring', '/notification', '/device']) {
    const socket = io(`http://127.0.0.1:${system.system.http.port()}${namespace}`, {
      auth: { token: people.MANAGER.token() },
      reconnection: false,
    });
    sockets.push(socket);
    socket.onAny((event: string, data: unknown) => {
      const name = `${namespace} ${event}`;
      sent.set(name, [...(sent.get(name) ?? []), data]);
    });
    await new Promise<void>((resolve) => socket.once('connect', resolve));
  }
});
afterAll(async () => {
  for (const socket of sockets) socket.disconnect();
  await system.stop();
});

/** One that is in use, which the job is told of. */
async function endingCertificate({ uid, headers }: TestDevice): Promise<void> {
  const pki = createTestPki();
  const post = async (url: string, rest: object) => {
    const answer = await system.request({ method: 'POST', url: `/api/v1${url}`, ...rest });
    expect(answer.status, answer.text).toBeLessThan(300);
    return answer.json();
  };
  const { csr, key } = pki.request(`/CN=${uid}`);
  const { certificate } = await post('/device/certificate', { headers, body: { csr } });
  const body = { csr, certificate, signature: pki.sign(csr, key) };
  await post('/device/certificate/renew', { body });
  const run = { as: people.ADMIN.token(), body: { data: { within_days: 400 } } };
  await post('/system/jobs/warn_of_certificates/run', run);
  pki.close();
}

test('every event that is declared is sent, no other, and each as the document says', async () => {
  const { channels, operations } = system.system.asyncApi as AsyncApi;
  const declared = Object.values(operations)
    .filter(({ action }) => action === 'send')
    .map(({ channel }) => channels[channel.$ref.replace('#/channels/', '')])
    // Over Socket.IO; what devices are sent over MQTT has topics, which begin with no slash.
    .filter((channel) => channel?.address.startsWith('/'))
    .flatMap((channel) =>
      Object.entries(channel?.messages ?? {}).map(([event, { payload }]) => ({
        name: `${channel?.address} ${event}`,
        payload,
      })),
    );
  expect(declared.length).toBeGreaterThan(3);

  expect(await sockets[0]?.emitWithAck('subscribe', { all: true })).toEqual({ ok: true });
  const device = await people.device({ owner_id: people.USER.id });
  expect(await sockets[2]?.emitWithAck('subscribe', { device_uid: device.uid })).toEqual({ ok: true });
  const order = { device_uid: device.uid, command: 'reboot', timeout_seconds: 60 };
  const { command_id } = (await sockets[2]?.emitWithAck('send_command', order)) ?? {};
  const answered = await system.request({
    method: 'POST',
    url: '/api/v1/ingest/response',
    headers: device.headers,
    body: { command_id, status: 'success', result: { ok: true } },
  });
  expect(answered.json()).toMatchObject({ stored: 1 });
  // ONLINE by its first word, a sample, and an alert of it, which managers are told of.
  const id = await people.alert(device);
  const as = people.MANAGER.token();
  await endingCertificate(device);
  const acknowledged = await system.request({
    method: 'POST',
    url: `/api/v1/monitoring/alerts/${id}/acknowledge`,
    as,
  });
  expect(acknowledged.status).toBe(200);
  await expect
    .poll(() => [...sent.keys()].sort(), { timeout: 10_000 })
    .toEqual(declared.map(({ name }) => name).sort());

  const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true });
  for (const { name, payload } of declared) {
    const isValid = ajv.compile(payload);
    for (const data of sent.get(name) ?? []) {
      isValid(data);
      expect({ name, errors: isValid.errors }).toEqual({ name, errors: null });
    }
  }
});

test('the document has the commands of every namespace', () => {
  const { channels } = system.system.asyncApi as AsyncApi;
  const commands = Object.entries(channels)
    .filter(([id, { address }]) => address.startsWith('/') && !id.startsWith('live_'))
    .flatMap(([, { address, messages }]) => Object.keys(messages).map((command) => `${address} ${command}`));
  expect(commands.sort()).toEqual([
    '/device send_command',
    '/device subscribe',
    '/device unsubscribe',
    '/monitoring subscribe',
    '/monitoring unsubscribe',
  ]);
});

test('without telemetry, all devices bring everything else', async () => {
  const socket = io(`http://127.0.0.1:${system.system.http.port()}/monitoring`, {
    auth: { token: people.MANAGER.token() },
    reconnection: false,
  });
  sockets.push(socket);
  const events: string[] = [];
  socket.onAny((event: string) => events.push(event));
  await new Promise<void>((resolve) => socket.once('connect', resolve));
  expect(await socket.emitWithAck('subscribe', { all: true, telemetry: false })).toEqual({ ok: true });
  const before = sent.get('/monitoring telemetry')?.length ?? 0;
  const device = await people.device({ owner_id: people.USER.id });
  await people.alert(device);
  // Who watches everything has seen the sample; the alert came after it.
  await expect.poll(() => sent.get('/monitoring telemetry')?.length ?? 0).toBeGreaterThan(before);
  await expect.poll(() => [...new Set(events)].sort()).toEqual(['alert', 'device_status']);
});
