import { connectAsync, type MqttClient } from 'mqtt';
import { afterEach, expect, test } from 'vitest';
import { ledgerAddsUp, signInAsSuperuser } from '../support/api-client.ts';
import { registerDevices } from '../support/flood-proof.ts';
import { temporaryFolder } from '../support/folders.ts';
import { type ServerProcess, startServer } from '../support/server-process.ts';

const DEVICES = 40;
const KILLS = 6;
const WINDOW = 10;

const folder = temporaryFolder();
let server: ServerProcess | undefined;
afterEach(async () => {
  await server?.end('SIGKILL');
  folder.remove();
});

test('a SIGKILL among logs leaves each of them stored once, and counted as stored once', async () => {
  const env = { DATA_DIR: folder.path };
  server = await startServer(env);
  const devices = await registerDevices(await signInAsSuperuser(server, env), DEVICES);
  const start = Date.now() - 3_600_000;
  /** Of each device: what has been sent and is not acknowledged. Each log has a time of its own. */
  const open = devices.map(() => new Set<number>());
  const sent = devices.map(() => 0);
  let acknowledged = 0;
  let resent = 0;

  async function publish(client: MqttClient, index: number, n: number): Promise<void> {
    open[index]?.add(n);
    const log = JSON.stringify({ event_type: 'tick', message: `${n}`, timestamp: start + n });
    await client.publishAsync(`devices/${devices[index]?.uid}/log`, log, { qos: 1 });
    open[index]?.delete(n);
    acknowledged += 1;
  }

  async function connect({ mqttUrl }: ServerProcess): Promise<MqttClient[]> {
    const connecting = devices.map(({ uid, secret }) =>
      connectAsync(mqttUrl, { username: uid, password: secret, reconnectPeriod: 0 }),
    );
    return await Promise.all(connecting);
  }

  /** As a device does that keeps what it has no PUBACK for. */
  async function sendAgain(clients: readonly MqttClient[]): Promise<void> {
    const left = clients.flatMap((client, index) => [...(open[index] ?? [])].map((n) => publish(client, index, n)));
    resent += left.length;
    await Promise.all(left);
  }

  for (let kill = 0; kill < KILLS; kill += 1) {
    const clients = await connect(server);
    await sendAgain(clients);
    const goal = acknowledged + 1_000;
    const send = async (client: MqttClient, index: number) => {
      while (client.connected) {
        const n = sent[index] ?? 0;
        sent[index] = n + 1;
        await publish(client, index, n);
      }
    };
    // What was on its way when the server ended is never answered.
    for (const [index, client] of clients.entries()) {
      for (let slot = 0; slot < WINDOW; slot += 1) send(client, index).catch(() => {});
    }
    await expect.poll(() => acknowledged, { timeout: 60_000, interval: 7 }).toBeGreaterThan(goal);
    await server.end('SIGKILL');
    await expect.poll(() => clients.some(({ connected }) => connected)).toBe(false);
    await Promise.all(clients.map((client) => client.endAsync(true)));
    server = await startServer(env);
  }
  const clients = await connect(server);
  await sendAgain(clients);
  await Promise.all(clients.map((client) => client.endAsync()));

  const api = await signInAsSuperuser(server, env);
  let merged = 0;
  for (const [index, { id }] of devices.entries()) {
    const stored: number[] = [];
    for (let cursor = ''; ; ) {
      const path = `/api/v1/devices/${id}/logs?order=asc&limit=1000&event_type=tick${cursor}`;
      const page = await api.call('GET', path);
      for (const { message } of page.items) stored.push(Number(message));
      if (page.next_cursor === null) break;
      cursor = `&cursor=${page.next_cursor}`;
    }
    expect(stored).toEqual(Array.from({ length: sent[index] ?? 0 }, (_, n) => n));
    const ledger = await api.ledger(id);
    expect(ledger).toMatchObject({ stored: stored.length, rejected: {} });
    expect(ledgerAddsUp(ledger)).toBe(true);
    merged += ledger.merged;
  }
  expect(resent).toBeGreaterThan(0);
  process.stdout.write(
    `${KILLS} SIGKILLs: ${acknowledged} logs acknowledged, ${resent} sent again, ${merged} merged\n`,
  );
});
