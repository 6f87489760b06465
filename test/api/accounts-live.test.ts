import { io, type Socket } from 'socket.io-client';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { createPeople, type People, type Person } from '#test/support/people.ts';
import { type RunningSystem, startTestSystem } from '#test/support/system.ts';

/* What becomes of live connections when one of several ways in ends, and what personal access tokens may do there. */

let system: RunningSystem;
let people: People;
let sockets: Socket[] = [];

beforeAll(async () => {
  system = await startTestSystem();
  people = await createPeople(system);
});
afterEach(() => {
  for (const socket of sockets) socket.disconnect();
  sockets = [];
});
afterAll(() => system.stop());

async function connect(token: string, namespace = '/monitoring'): Promise<Socket> {
  const socket = io(`http://127.0.0.1:${system.system.http.port()}${namespace}`, {
    ...{ auth: { token }, reconnection: false, forceNew: true },
  });
  sockets.push(socket);
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('connect_error', reject);
  });
  return socket;
}
const ended = (socket: Socket) => new Promise((resolve) => socket.once('disconnect', resolve));

async function call(method: 'GET' | 'POST' | 'DELETE', path: string, as: string, body?: object) {
  const answer = await system.request({ method, url: `/api/v1/auth/${path}`, as, ...(body && { body }) });
  expect(answer.status, answer.text).toBeLessThan(300);
  return answer.text === '' ? null : answer.json();
}
const personalToken = (of: Person, body: object) => call('POST', 'tokens', of.token(), { name: 'watcher', ...body });

test('the connections of a session end with it, those of another session stay', async () => {
  const { email, password, token } = await people.person('USER');
  const lost = token();
  const login = { method: 'POST', url: '/api/v1/auth/login', body: { email, password } } as const;
  const mine = (await system.request(login)).json().access_token;
  const [gone, stays] = [await connect(lost), await connect(mine)];
  const { items } = await call('GET', 'sessions', mine);
  const { id } = items.find(({ current }: { current: boolean }) => !current);
  const end = ended(gone);
  await call('DELETE', `sessions/${id}`, mine);
  expect(await end).toBe('io server disconnect');
  expect((await stays.emitWithAck('subscribe', { device_uid: 'unknown' })).code).toBe('device_not_found');
  await expect(connect(lost)).rejects.toMatchObject({ data: { code: 'authentication_required' } });
});

test('a personal access token watches; read-only it sends no command; its connections end when it is revoked', async () => {
  const owner = await people.person('USER');
  const device = await people.device({ owner_id: owner.id });
  const reader = await personalToken(owner, { read_only: true });
  const writer = await personalToken(owner, {});
  const command = { device_uid: device.uid, command: 'reboot' };
  const watching = await connect(reader.token, '/device');
  expect(await watching.emitWithAck('subscribe', { device_uid: device.uid })).toEqual({ ok: true });
  expect(await watching.emitWithAck('send_command', command)).toMatchObject({ ok: false, code: 'token_read_only' });
  const sending = await connect(writer.token, '/device');
  expect(await sending.emitWithAck('send_command', command)).toMatchObject({ ok: true });
  const end = ended(watching);
  await call('DELETE', `tokens/${reader.id}`, owner.token());
  expect(await end).toBe('io server disconnect');
  expect(sending.connected).toBe(true);
  expect(await sending.emitWithAck('send_command', command)).toMatchObject({ ok: true });
});

test('the role of a personal access token counts there too', async () => {
  const { token } = await personalToken(people.MANAGER, { role: 'USER' });
  const socket = await connect(token);
  expect(await socket.emitWithAck('subscribe', { all: true })).toMatchObject({ ok: false, code: 'forbidden' });
  const all = await connect(people.MANAGER.token());
  expect(await all.emitWithAck('subscribe', { all: true })).toMatchObject({ ok: true });
});
