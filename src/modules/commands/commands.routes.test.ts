import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Principal } from '#kernel/access.ts';
import { auditedOn } from '#test/support/audit.ts';
import { type CommandsHarness, createCommandsHarness } from '#test/support/commands.ts';

let h: CommandsHarness;
// biome-ignore lint/suspicious/noExplicitAny: the answer of POST /devices
let device: any;
beforeAll(async () => {
  h = await createCommandsHarness();
});
beforeEach(async () => {
  device = await h.devices.device({ owner_id: h.devices.actors.USER.userId });
});
afterAll(() => h.close());

interface Sending {
  readonly as?: Principal;
  readonly headers?: Readonly<Record<string, string>>;
}

function send(body: object, { as = h.devices.actors.USER, headers = {} }: Sending = {}) {
  return h.run.app.request({ method: 'POST', url: `/api/v1/devices/${device.id}/commands`, as, body, headers });
}

async function sent(body: object = {}, how: Sending = {}) {
  const answer = await send({ command: 'reboot', ...body }, how);
  expect(answer.status, answer.text).toBe(201);
  return answer.json();
}

async function shown(commandId: string) {
  const url = `/api/v1/devices/${device.id}/commands/${commandId}`;
  return (await h.run.app.request({ url, as: h.devices.actors.ADMIN })).json();
}

const statusOf = async (commandId: string) => (await shown(commandId)).status;
const eventually = (check: () => Promise<void>) => vi.waitFor(check, { timeout: 10_000, interval: 5 });
const reaches = (commandId: string, status: string) =>
  eventually(async () => expect(await statusOf(commandId)).toBe(status));
const statesOf = ({ history }: { history: readonly { status: string }[] }) => history.map(({ status }) => status);
const messages = () => h.run.broker.sent.map(({ payload }) => JSON.parse(payload));

describe('a command', () => {
  test('waits for its device, goes out, is acknowledged, reports progress and succeeds, each kept with its time', async () => {
    const command = await sent({ params: { delay_seconds: 5 }, ttl_seconds: 600 });
    expect(command).toMatchObject({ status: 'QUEUED', sent_at: null, params: { delay_seconds: 5 }, result: null });
    expect(Date.parse(command.expires_at) - Date.parse(command.created_at)).toBe(600_000);
    const connection = h.run.broker.listen(device.id, device.device_uid);
    await reaches(command.command_id, 'SENT');
    const { command_id, command: name, params, expires_at } = command;
    expect(messages().at(-1)).toEqual({ command_id, command: name, params, expires_at });
    h.devices.clock.advance(10);
    h.run.broker.acknowledge(connection);
    await reaches(command_id, 'DELIVERED');
    expect(await h.run.answer(device.id, { command_id, status: 'progress', progress: 40 })).toBe('stored');
    expect(await shown(command_id)).toMatchObject({ status: 'IN_PROGRESS', progress: 40 });
    expect(await h.run.answer(device.id, { command_id, status: 'success', result: { ok: [1] } })).toBe('stored');
    const ended = await shown(command_id);
    expect(ended).toMatchObject({ status: 'SUCCEEDED', result: { ok: [1] }, error: null });
    expect(statesOf(ended)).toEqual(['QUEUED', 'SENT', 'DELIVERED', 'IN_PROGRESS', 'SUCCEEDED']);
    expect(ended.completed_at).toBe(ended.history.at(-1).at);
    expect(ended.delivered_at).toBe(ended.history[2].at);
  });

  test('an answer that overtakes the PUBACK counts', async () => {
    const connection = h.run.broker.listen(device.id, device.device_uid);
    const { command_id } = await sent();
    await reaches(command_id, 'SENT');
    await h.run.answer(device.id, { command_id, status: 'error', error: 'valve is stuck' });
    h.run.broker.acknowledge(connection);
    const ended = await shown(command_id);
    expect(ended).toMatchObject({ status: 'FAILED', error: 'valve is stuck' });
    expect(statesOf(ended)).toEqual(['QUEUED', 'SENT', 'FAILED']);
  });

  test('`now` to a device that does not listen is REJECTED at once', async () => {
    const rejected = await sent({ deliver: 'now' });
    expect(rejected).toMatchObject({ status: 'REJECTED', error: 'not_listening' });
    expect(rejected.completed_at).not.toBeNull();
    // Connected is not subscribed.
    const connection = h.run.broker.connect(device.id, device.device_uid);
    expect(await sent({ deliver: 'now' })).toMatchObject({ status: 'REJECTED' });
    h.run.broker.subscribe(connection);
    expect(await sent({ deliver: 'now' })).toMatchObject({ status: 'SENT' });
  });

  test('`latest_only` takes the place of those of its name that were not begun', async () => {
    const other = await sent({ command: 'open', deliver: 'latest_only' });
    const older = await sent({ command: 'set', deliver: 'latest_only' });
    const begun = await sent({ command: 'set' });
    await h.run.answer(device.id, { command_id: begun.command_id, status: 'progress' });
    const newer = await sent({ command: 'set', deliver: 'latest_only' });
    const found = await Promise.all([other, older, begun, newer].map(({ command_id }) => statusOf(command_id)));
    expect(found).toEqual(['QUEUED', 'SUPERSEDED', 'IN_PROGRESS', 'QUEUED']);
  });

  test('100 may be open for a device, and another device is none the worse', async () => {
    for (let index = 0; index < 100; index++) await sent();
    const answer = await send({ command: 'reboot' });
    expect([answer.status, answer.json().code]).toEqual([409, 'too_many_commands']);
    const listed = await h.run.app.request({
      url: `/api/v1/devices/${device.id}/commands`,
      as: h.devices.actors.USER,
      query: { status: 'QUEUED', size: 1 },
    });
    expect(listed.json()).toMatchObject({ total: 100, counts: { QUEUED: 100, SUCCEEDED: 0 } });
    device = await h.devices.device({ owner_id: h.devices.actors.USER.userId });
    await sent();
  });

  test('EXPIRED when its time is over; an answer after that is late', async () => {
    const { command_id } = await sent({ ttl_seconds: 1 });
    h.devices.clock.advance(1_000);
    expect(await h.run.answer(device.id, { command_id, status: 'success' })).toBe('late_response');
    expect(statesOf(await shown(command_id))).toEqual(['QUEUED', 'EXPIRED']);
    const silent = await sent({ ttl_seconds: 1 });
    h.devices.clock.advance(1_000);
    await h.jobs.jobs.enqueue('expire_commands', {});
    await h.jobs.runUntilIdle();
    expect(await statusOf(silent.command_id)).toBe('EXPIRED');
  });

  test('never reaches the next device of the same device_uid, though nobody heard of the deletion', async () => {
    const { command_id } = await sent();
    const { device_uid } = device;
    // The events of these devices are not those of the process: it is not told.
    const deleted = { method: 'DELETE', url: `/api/v1/devices/${device.id}`, as: h.devices.actors.ADMIN } as const;
    expect((await h.devices.app.request(deleted)).status).toBe(204);
    const next = await h.devices.device({ device_uid });
    h.run.broker.listen(next.id, device_uid);
    await h.jobs.jobs.enqueue('expire_commands', {});
    await h.jobs.runUntilIdle();
    expect(messages().map((message) => message.command_id)).not.toContain(command_id);
    const listed = await h.run.app.request({ url: '/api/v1/commands', as: h.devices.actors.ADMIN, query: { size: 1 } });
    expect(listed.json().items).toMatchObject([{ command_id, status: 'CANCELLED' }]);
  });

  test('cancelled by a person once; then neither sent nor answered', async () => {
    const { command_id } = await sent();
    const cancel = () =>
      h.run.app.request({
        method: 'POST',
        url: `/api/v1/devices/${device.id}/commands/${command_id}/cancel`,
        as: h.devices.actors.USER,
      });
    expect((await cancel()).json()).toMatchObject({ status: 'CANCELLED' });
    const again = await cancel();
    expect([again.status, again.json().code]).toEqual([409, 'command_ended']);
    h.run.broker.listen(device.id, device.device_uid);
    const { command_id: next } = await sent();
    await reaches(next, 'SENT');
    expect(messages().map((message) => message.command_id)).not.toContain(command_id);
    expect(await h.run.answer(device.id, { command_id, status: 'success' })).toBe('late_response');
    const entries = (await auditedOn(h.devices.sql)).filter(({ resourceId }) => resourceId === command_id);
    expect(entries.map(({ action }) => action)).toEqual(['command.created', 'command.cancelled']);
  });

  test('of a device that is deleted is CANCELLED', async () => {
    const { command_id } = await sent();
    const { id, device_uid } = device;
    const deleted = { device_id: id, device_uid, actor_id: h.devices.actors.ADMIN.userId };
    await h.run.bus.deliver('device.deleted', h.devices.clock.now(), deleted, 'local');
    expect(await statusOf(command_id)).toBe('CANCELLED');
  });

  test('with wait_seconds the answer is the end of the command', async () => {
    h.run.broker.listen(device.id, device.device_uid);
    const before = h.run.broker.sent.length;
    const waiting = sent({ wait_seconds: 60 });
    await eventually(async () => expect(h.run.broker.sent.length).toBeGreaterThan(before));
    const { command_id } = messages().at(-1);
    await h.run.answer(device.id, { command_id, status: 'success', result: 'done' });
    expect(await waiting).toMatchObject({ command_id, status: 'SUCCEEDED', result: 'done' });
  });
});

describe('an Idempotency-Key', () => {
  test('answers the same command to the same request, and nothing to another one', async () => {
    const headers = { 'idempotency-key': 'k-1' };
    const first = await sent({ params: { a: 1 } }, { headers });
    const again = await send({ command: 'reboot', params: { a: 1 } }, { headers });
    expect([again.status, again.json().command_id]).toEqual([200, first.command_id]);
    const key = { headers: { 'idempotency-key': 'k-3, whatever the order of the fields' } };
    const ordered = await sent({ params: { a: { b: 1, c: 2 }, d: 3 } }, key);
    const turned = await send({ params: { d: 3, a: { c: 2, b: 1 } }, command: 'reboot' }, key);
    expect([turned.status, turned.json().command_id]).toEqual([200, ordered.command_id]);
    const other = await send({ command: 'reboot', params: { a: 2 } }, { headers });
    expect([other.status, other.json().code]).toEqual([409, 'idempotency_key_reused']);
    // Everybody has keys of their own.
    await sent({ params: { a: 2 } }, { headers, as: h.devices.actors.ADMIN });
  });

  test('makes one command of requests at the same time', async () => {
    const headers = { 'idempotency-key': 'k-2' };
    const answers = await Promise.all(Array.from({ length: 8 }, () => send({ command: 'reboot' }, { headers })));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 200, 200, 200, 200, 200, 201]);
    expect(new Set(answers.map((answer) => answer.json().command_id)).size).toBe(1);
  });
});

describe('refused', () => {
  test('a forged, a foreign and a replayed response change nothing', async () => {
    const { command_id } = await sent();
    const foreign = await h.devices.device();
    const success = { command_id, status: 'success' };
    expect(await h.run.answer(device.id, { ...success, command_id: 'forged' })).toBe('unknown_command');
    expect(await h.run.answer(foreign.id, success)).toBe('unknown_command');
    expect(await statusOf(command_id)).toBe('QUEUED');
    expect(await h.run.answer(device.id, success)).toBe('stored');
    // The same batch once more, since its writer does not know that it was stored; then the device itself.
    expect(await h.run.answer(device.id, success)).toBe('stored');
    h.devices.clock.advance(1);
    expect(await h.run.answer(device.id, { ...success, status: 'error' })).toBe('late_response');
    expect(await h.run.answer(device.id, success)).toBe('late_response');
    expect(statesOf(await shown(command_id))).toEqual(['QUEUED', 'SUCCEEDED']);
  });

  test('names, params and times outside of what is accepted, with what is accepted', async () => {
    const deep = JSON.parse(`${'{"a":'.repeat(17)}1${'}'.repeat(17)}`);
    for (const [body, status, code] of [
      [{ command: '1st' }, 422, 'validation_failed'],
      [{ command: 'x', ttl_seconds: 0 }, 422, 'validation_failed'],
      [{ command: 'x', wait_seconds: 61 }, 422, 'validation_failed'],
      [{ command: 'x', deliver: 'soon' }, 422, 'validation_failed'],
      [{ command: 'x', params: { text: 'x'.repeat(33_000) } }, 422, 'command_params_invalid'],
      [{ command: 'x', params: deep }, 422, 'command_params_invalid'],
    ] as const) {
      const answer = await send(body);
      expect([answer.status, answer.json().errors?.length > 0], answer.text).toEqual([status, true]);
      if (code === 'command_params_invalid') expect(answer.json().code).toBe(code);
    }
  });

  test('of a device of somebody else there is nothing to send, see or cancel', async () => {
    const { command_id } = await sent();
    const url = `/api/v1/devices/${device.id}/commands`;
    const as = h.devices.stranger;
    for (const request of [
      { method: 'POST', url, body: { command: 'reboot' } },
      { method: 'GET', url },
      { method: 'GET', url: `${url}/${command_id}` },
      { method: 'POST', url: `${url}/${command_id}/cancel` },
    ] as const) {
      const answer = await h.run.app.request({ ...request, as });
      expect([answer.status, answer.json().code]).toEqual([404, 'device_not_found']);
    }
    // Nor by way of a device of one's own.
    const own = await h.devices.device({ owner_id: as.userId });
    const byWay = await h.run.app.request({ url: `/api/v1/devices/${own.id}/commands/${command_id}`, as });
    expect([byWay.status, byWay.json().code]).toEqual([404, 'command_not_found']);
  });
});

describe('for many devices', () => {
  const order = (body: object) =>
    h.run.app.request({ method: 'POST', url: '/api/v1/commands', as: h.devices.actors.MANAGER, body });
  const listed = async (query: Readonly<Record<string, string | number>>) =>
    (await h.run.app.request({ url: '/api/v1/commands', as: h.devices.actors.MANAGER, query })).json();

  test('each gets its command, counted by state, one with too many included', async () => {
    const device_type = 'bulk';
    const devices = [];
    for (let index = 0; index < 5; index++) devices.push(await h.devices.device({ device_type }));
    device = devices[0];
    for (let index = 0; index < 100; index++) await sent({}, { as: h.devices.actors.ADMIN });
    const listening = devices[1];
    h.run.broker.listen(listening.id, listening.device_uid);
    const answer = await order({ target: { device_type }, command: 'blink', ttl_seconds: 60 });
    expect([answer.status, answer.json().devices]).toEqual([202, 5]);
    const { batch_id } = answer.json();
    await h.jobs.runUntilIdle();
    await eventually(async () => expect((await listed({ batch_id })).counts).toMatchObject({ SENT: 1 }));
    const found = await listed({ batch_id });
    expect([found.total, found.counts.QUEUED, found.counts.SENT, found.counts.REJECTED]).toEqual([5, 3, 1, 1]);
    expect((await listed({ batch_id, status: 'REJECTED' })).items).toMatchObject([
      { device_id: device.id, error: 'too_many_commands' },
    ]);
    // Run once more, since its worker was killed: nothing is doubled.
    await h.jobs.jobs.enqueue('send_command_batch', { batch_id });
    await h.jobs.runUntilIdle();
    expect((await listed({ batch_id })).total).toBe(5);
  });

  test('a target that names nothing, or several, is refused', async () => {
    for (const target of [{}, { all: true, group_id: 1 }, { group_id: 999_999 }]) {
      const answer = await order({ target, command: 'blink' });
      expect([answer.status, answer.json().code]).toEqual([422, 'device_target_invalid']);
    }
  });

  test('an order is answered as stored though the queue of jobs is away, and worked off when it is back', async () => {
    h.jobs.fail(new Error('away'));
    const answer = await order({ target: { device_ids: [device.id] }, command: 'blink' });
    h.jobs.fail(null);
    expect(answer.status).toBe(202);
    h.devices.clock.advance(61_000);
    await h.jobs.jobs.enqueue('expire_commands', {});
    await h.jobs.runUntilIdle();
    expect((await listed({ batch_id: answer.json().batch_id })).total).toBe(1);
  });

  test('an order whose job was lost is taken up', async () => {
    const answer = await order({ target: { device_ids: [device.id] }, command: 'blink' });
    const { batch_id } = answer.json();
    for (const { queue, id } of await h.jobs.all('send_command_batch')) await h.jobs.jobs.remove(queue, id);
    h.devices.clock.advance(61_000);
    await h.jobs.jobs.enqueue('expire_commands', {});
    await h.jobs.runUntilIdle();
    expect((await listed({ batch_id })).total).toBe(1);
  });
});

describe('a device without MQTT', () => {
  const basic = ({ credentials }: typeof device) =>
    `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64')}`;
  const poll = (wait: number) =>
    h.run.app.request({ url: '/api/v1/device/commands', query: { wait }, headers: { authorization: basic(device) } });

  test('gets what is queued, once, and again when it did not answer for a minute', async () => {
    const { command_id } = await sent({ params: { a: 1 } });
    expect((await poll(0)).json()).toMatchObject({ commands: [{ command_id, command: 'reboot', params: { a: 1 } }] });
    expect(await statusOf(command_id)).toBe('SENT');
    expect((await poll(0)).json()).toEqual({ commands: [] });
    h.devices.clock.advance(60_000);
    expect((await poll(0)).json().commands).toHaveLength(1);
    await h.run.answer(device.id, { command_id, status: 'success' });
    h.devices.clock.advance(60_000);
    expect((await poll(0)).json()).toEqual({ commands: [] });
  });

  test('is answered when something comes while it waits, `now` included', async () => {
    const waiting = poll(60);
    // Who waits listens.
    await eventually(async () => expect((await sent({ deliver: 'now' })).status).not.toBe('REJECTED'));
    expect((await waiting).json().commands).toHaveLength(1);
  });
});
