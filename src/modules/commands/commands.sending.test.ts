import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { type CommandsHarness, createCommandsHarness } from '#test/support/commands.ts';

let h: CommandsHarness;
// biome-ignore lint/suspicious/noExplicitAny: the answer of POST /devices
let device: any;
beforeAll(async () => {
  h = await createCommandsHarness();
});
beforeEach(async () => {
  device = await h.devices.device();
});
afterAll(() => h.close());

async function sent(body: object = {}) {
  const url = `/api/v1/devices/${device.id}/commands`;
  const as = h.devices.actors.ADMIN;
  const answer = await h.run.app.request({ method: 'POST', url, as, body: { command: 'reboot', ...body } });
  expect(answer.status, answer.text).toBe(201);
  return answer.json();
}

async function shown(commandId: string) {
  const url = `/api/v1/devices/${device.id}/commands/${commandId}`;
  return (await h.run.app.request({ url, as: h.devices.actors.ADMIN })).json();
}

const eventually = (check: () => Promise<void>) => vi.waitFor(check, { timeout: 10_000, interval: 5 });
const reaches = (commandId: string, status: string) =>
  eventually(async () => expect(await statusOf(commandId)).toBe(status));
const statusOf = async (commandId: string) => (await shown(commandId)).status;
const statesOf = ({ history }: { history: readonly { status: string }[] }) => history.map(({ status }) => status);
const messages = () => h.run.broker.sent.map(({ payload }) => JSON.parse(payload));
const timesOf = (id: string) => messages().filter(({ command_id }) => command_id === id).length;

/** @returns the new connection */
function reconnect(): string {
  for (const connection of h.run.broker.connections()) h.run.broker.disconnect(connection);
  return h.run.broker.listen(device.id, device.device_uid);
}

describe('what goes over a connection', () => {
  test('sent and not answered, it is sent again whenever the device connects again, with its id', async () => {
    h.run.broker.listen(device.id, device.device_uid);
    const { command_id } = await sent();
    await reaches(command_id, 'SENT');
    for (let again = 2; again <= 7; again++) {
      reconnect();
      await eventually(async () => expect(timesOf(command_id)).toBe(again));
    }
    expect(statesOf(await shown(command_id))).toEqual(['QUEUED', 'SENT']);
  });

  test('acknowledged and not answered, it is sent 5 times in all: what restarts a device does not do so for ever', async () => {
    let connection = h.run.broker.listen(device.id, device.device_uid);
    const { command_id } = await sent();
    await reaches(command_id, 'SENT');
    for (let again = 2; again <= 5; again++) {
      h.run.broker.acknowledge(connection);
      await reaches(command_id, 'DELIVERED');
      connection = reconnect();
      await eventually(async () => expect(timesOf(command_id)).toBe(again));
    }
    reconnect();
    const { command_id: after } = await sent();
    await reaches(after, 'SENT');
    expect(timesOf(command_id)).toBe(5);
    expect(statesOf(await shown(command_id))).toEqual(['QUEUED', 'SENT', 'DELIVERED']);
  });

  test('what is queued arrives in the order of creation', async () => {
    const made: string[] = [];
    for (let index = 0; index < 40; index++) made.push((await sent({ params: { index } })).command_id);
    const connection = h.run.broker.listen(device.id, device.device_uid);
    const arrived = () =>
      messages()
        .map(({ command_id }) => command_id)
        .filter((id) => made.includes(id));
    // Unacknowledged ones are bounded; the others follow.
    await eventually(async () => {
      h.run.broker.acknowledge(connection);
      expect(arrived()).toHaveLength(made.length);
    });
    expect(arrived()).toEqual(made);
  });

  test('a new one does not overtake what is sent again, though it was made before anybody heard of the connection', async () => {
    h.run.broker.listen(device.id, device.device_uid);
    const { command_id: first } = await sent();
    await reaches(first, 'SENT');
    for (const id of h.run.broker.connections()) h.run.broker.disconnect(id);
    const before = messages().length;
    const announce = h.run.broker.subscribe(h.run.broker.connect(device.id, device.device_uid), { later: true });
    const { command_id: second } = await sent();
    await reaches(second, 'SENT');
    announce();
    const arrived = messages()
      .slice(before)
      .map(({ command_id }) => command_id);
    expect(arrived).toEqual([first, second]);
  });

  test('goes out by itself once the connection has room again', async () => {
    h.run.broker.fill(true);
    h.run.broker.listen(device.id, device.device_uid);
    const { command_id } = await sent();
    expect(await statusOf(command_id)).toBe('QUEUED');
    h.run.broker.fill(false);
    await reaches(command_id, 'SENT');
  });
});
