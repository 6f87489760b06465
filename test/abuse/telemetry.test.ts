import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import { connectAsync, type MqttClient } from 'mqtt';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RegisteredDevice } from '../support/api-client.ts';
import { temporaryFolder } from '../support/folders.ts';
import { type AttackedServer, startAttackedServer } from './attacked-server.ts';

let attacked: AttackedServer;
const folder = temporaryFolder();
beforeAll(async () => {
  attacked = await startAttackedServer({ DATA_DIR: folder.path });
});
afterAll(async () => {
  await attacked.stop();
  folder.remove();
});

const connectAs = ({ uid, secret }: RegisteredDevice): Promise<MqttClient> =>
  connectAsync(attacked.server.mqttUrl, { username: uid, password: secret, reconnectPeriod: 0 });

describe('a body that costs more to read than to send', () => {
  const lines = (count: number) => '1\n'.repeat(count);
  const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;

  test.each([
    ['two million lines', 'application/x-ndjson', lines(2_000_000), 422],
    ['nothing but ends of lines', 'application/x-ndjson', '\n'.repeat(4_000_000), 422],
    ['two million items', 'application/json', `[${'1,'.repeat(2_000_000)}1]`, 422],
    ['two million arrays in each other', 'application/json', nested(2_000_000), 200],
    ['such objects', 'application/json', `[${'{"a":'.repeat(600_000)}1${'}'.repeat(600_000)}]`, 200],
    ['an array without an end', 'application/json', '['.repeat(4_000_000), 400],
    ['a text without an end', 'application/json', `["${'x'.repeat(4_000_000)}`, 400],
  ])('%s', async (_, type, body, status) => {
    const device = await attacked.api.registerDevice();
    const authorization = `Basic ${Buffer.from(`${device.uid}:${device.secret}`).toString('base64')}`;
    const post = async () => {
      const response = await fetch(`${attacked.server.httpUrl}/api/v1/ingest/log`, {
        method: 'POST',
        headers: { authorization, 'content-type': type },
        body,
      });
      await response.arrayBuffer();
      return response.status;
    };
    const strain = await attacked.strainOf(async () => {
      for (let round = 0; round < 3; round += 1) expect(await post()).toBe(status);
    });
    expect(strain.slowestMs).toBeLessThan(25 * strain.quietMs);
  });
});

describe('a payload that is nested deep, beside a number that is to be told exactly', () => {
  const DEEP = `${'['.repeat(5_000)}${']'.repeat(5_000)}`;
  const HOSTILE = `{"a":12345678901234567,"b":${DEEP}}`;
  /** So many fill a batch: what follows waits in the queue. */
  const AHEAD = 6;
  const ROUNDS = 4;
  const A_ROUND = 400;
  const array = JSON.stringify(Array.from({ length: 1_000 }, (_, n) => ({ a: n })));

  test('costs its sender that item, and others nothing', async () => {
    const [good, bad] = [await attacked.api.registerDevice(), await attacked.api.registerDevice()];
    const attacker = await connectAs(bad);
    const send = (channel: string, payload: string) =>
      attacker.publishAsync(`devices/${bad.uid}/${channel}`, payload, { qos: 1 });
    // Alone, before anything waits.
    for (const channel of ['telemetry', 'log', 'status', 'response']) await send(channel, HOSTILE);
    const strain = await attacked.strainOf(async () => {
      for (let round = 0; round < ROUNDS; round += 1) {
        const ahead = Array.from({ length: AHEAD }, () => send('telemetry', array));
        const hostile = Array.from({ length: A_ROUND }, (_, n) => send(n % 2 === 0 ? 'telemetry' : 'log', HOSTILE));
        await Promise.all([...ahead, ...hostile]);
        const client = await connectAs(good);
        await client.publishAsync(`devices/${good.uid}/telemetry`, '{"temperature":21}', { qos: 1 });
        await client.endAsync();
      }
    });
    expect(strain.slowestMs).toBeLessThan(25 * strain.quietMs);
    const half = (ROUNDS * A_ROUND) / 2 + 1;
    expect((await attacked.api.ledger(bad.id)).rejected).toEqual({
      invalid_value: half,
      invalid_log: half,
      invalid_status: 1,
      invalid_response: 1,
    });
    expect((await attacked.api.ledger(good.id)).rejected).toEqual({});
    await attacker.endAsync();
  });
});

describe('a device that makes up metric names', () => {
  const MESSAGES = 100;

  /** How long the messages of a device take that sends one after the other. */
  async function timeOf(client: MqttClient, uid: string): Promise<number> {
    const startedAt = performance.now();
    for (let n = 0; n < MESSAGES; n += 1) {
      await client.publishAsync(`devices/${uid}/telemetry`, JSON.stringify({ temperature: n, door: true }), { qos: 1 });
    }
    return performance.now() - startedAt;
  }

  test('slows no other, and gets no more than it may have', async () => {
    const [good, bad] = [await attacked.api.registerDevice(), await attacked.api.registerDevice()];
    const [client, attacker] = [await connectAs(good), await connectAs(bad)];
    let sent = 0;
    const madeUp = () => {
      sent += 1;
      const names = Array.from({ length: 60 }, (_, n) => [`made_up_${sent}_${n}`, 'x'.repeat(900)]);
      return attacker.publishAsync(`devices/${bad.uid}/telemetry`, JSON.stringify(Object.fromEntries(names)), {
        qos: 1,
      });
    };
    await timeOf(client, good.uid);
    const quietMs = Math.min(await timeOf(client, good.uid), await timeOf(client, good.uid));
    for (let n = 0; n < 20; n += 1) await madeUp();
    const ended = new AbortController();
    const flood = (async () => {
      const acknowledged: Promise<unknown>[] = [];
      for (; !ended.signal.aborted; await delay(20)) acknowledged.push(madeUp());
      await Promise.all(acknowledged);
    })();
    const times: number[] = [];
    for (let round = 0; round < 3; round += 1) times.push(await timeOf(client, good.uid));
    ended.abort();
    await flood;
    expect(Math.min(...times)).toBeLessThan(6 * quietMs);
    expect((await attacked.api.ledger(bad.id)).rejected['too_many_names']).toBe(sent - 16);
    const latest = await attacked.api.call('GET', `/api/v1/devices/${bad.id}/telemetry/latest`);
    expect(Object.keys(latest.metrics)).toHaveLength(960);
    await Promise.all([client.endAsync(), attacker.endAsync()]);
  });
});

describe('a store that is slow', () => {
  const DEVICES = 140;
  /** More than may be unacknowledged in all, 64 MiB. */
  const PAYLOADS = 50;
  /** Parsed, it takes ten times the memory of its bytes. */
  const payload = JSON.stringify(Array.from({ length: 1_000 }, (_, n) => ({ a: n })));

  /** Resolves when no more is read of what devices send. */
  async function untilFull(): Promise<void> {
    let before: string | null = null;
    let same = 0;
    while (same < 10) {
      const { components } = await attacked.api.call('GET', '/api/v1/monitoring/health');
      const { detail } = components.find((each: { component: string }) => each.component === 'ingest');
      same = detail !== null && detail === before ? same + 1 : 0;
      before = detail;
      await delay(100);
    }
  }

  test('makes what waits for it take little more memory than it has bytes', async () => {
    const devices = await Promise.all(Array.from({ length: DEVICES }, () => attacked.api.registerDevice()));
    const clients = await Promise.all(devices.map(connectAs));
    const store = new DatabaseSync(join(folder.path, 'telemetry.db'), { timeout: 30_000 });
    const acknowledged: Promise<unknown>[] = [];
    store.exec('BEGIN IMMEDIATE');
    const strain = await attacked.strainOf(async () => {
      for (const [index, client] of clients.entries()) {
        const topic = `devices/${devices[index]?.uid}/telemetry`;
        for (let n = 0; n < PAYLOADS; n += 1) {
          acknowledged.push(client.publishAsync(topic, payload, { qos: 1 }).catch(() => 'cut'));
        }
      }
      await untilFull();
    });
    store.exec('ROLLBACK');
    store.close();
    expect(strain.grownBytes).toBeLessThan(250 * 2 ** 20);
    await acknowledged[0];
    for (const client of clients) client.end(true);
    expect(await Promise.race(acknowledged)).not.toBe('cut');
  });
});
