import { io } from 'socket.io-client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createPeople, type People } from '#test/support/people.ts';
import { type RunningSystem, startTestSystem } from '#test/support/system.ts';

let system: RunningSystem;
let people: People;
beforeAll(async () => {
  system = await startTestSystem({ USER_WRITE_LIMIT: '3/3600' });
  people = await createPeople(system);
});
afterAll(() => system.stop());

test('what a USER changes over Socket.IO and over HTTP counts together', async () => {
  const device = await people.device({ owner_id: people.USER.id });
  const token = people.USER.token();
  const socket = io(`http://127.0.0.1:${system.system.http.port()}/device`, { auth: { token }, reconnection: false });
  await new Promise<void>((resolve) => socket.once('connect', resolve));
  const send = () => socket.emitWithAck('send_command', { device_uid: device.uid, command: 'blink' });
  const url = `/api/v1/devices/${device.id}/config`;
  const put = async () => (await system.request({ method: 'PUT', url, as: token, body: { a: 1 } })).status;
  expect(await send()).toMatchObject({ ok: true });
  expect(await put()).toBe(200);
  expect(await send()).toMatchObject({ ok: true });
  expect(await send()).toMatchObject({ ok: false, code: 'rate_limited' });
  expect(await put()).toBe(429);
  socket.disconnect();
});
