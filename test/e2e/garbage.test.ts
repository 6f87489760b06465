import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import fc from 'fast-check';
import { connectAsync } from 'mqtt';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ApiClient, ledgerAddsUp, type RegisteredDevice, signInAsSuperuser } from '../support/api-client.ts';
import { temporaryFolder } from '../support/folders.ts';
import { type ServerProcess, startServer } from '../support/server-process.ts';

const CHANNELS = ['telemetry', 'status', 'log', 'response'] as const;

/** Payloads that mean harm, and many that mean nothing. None of them is valid on any channel. */
const nasty: readonly Buffer[] = [
  Buffer.alloc(0),
  Buffer.from([0xc3, 0x28]),
  Buffer.from('\u0000'),
  Buffer.from('null'),
  Buffer.from('"text"'),
  Buffer.from('{"a":1'),
  Buffer.from(`${'['.repeat(30_000)}${']'.repeat(30_000)}`),
  Buffer.from(`{"a":${'{"b":'.repeat(5_000)}1${'}'.repeat(5_000)}}`),
  Buffer.from('{"__proto__":{"polluted":true}}'),
  Buffer.from('{"metrics":{"__proto__":{"polluted":true}}}'),
  Buffer.from('{"constructor":{"prototype":{"polluted":true}}}'),
  Buffer.from('{"metrics":{"a":1e999}}'),
  Buffer.from(`{"metrics":{"a":${'9'.repeat(400)}}}`),
  Buffer.from('{"metrics":{"a":null},"timestamp":"never"}'),
  Buffer.from(`{"metrics":{"${'n'.repeat(5_000)}":1}}`),
  Buffer.from(JSON.stringify({ metrics: { a: 'x'.repeat(60_000) } })),
  Buffer.from(JSON.stringify(Array.from({ length: 5_000 }, () => 0))),
  Buffer.alloc(70_000, 0x20),
];

describe('garbage changes nothing but a counter', () => {
  const folder = temporaryFolder();
  let server: ServerProcess;
  let api: ApiClient;
  let device: RegisteredDevice;

  beforeAll(async () => {
    server = await startServer({ DATA_DIR: folder.path });
    api = await signInAsSuperuser(server, { DATA_DIR: folder.path });
    device = await api.registerDevice();
  });
  afterAll(async () => {
    expect(await server.end('SIGTERM')).toBe(0);
    folder.remove();
  });

  /** @param counted exactly so many rejections, or at least so many */
  async function expectOnlyCounted(target: RegisteredDevice, counted: number, exactly = false) {
    const ledger = await api.ledger(target.id);
    const rejected = Object.values(ledger.rejected).reduce((sum, count) => sum + count, 0);
    expect(ledgerAddsUp(ledger)).toBe(true);
    expect(ledger).toMatchObject({ stored: 0, merged: 0, in_flight: 0 });
    if (exactly) expect(rejected).toBe(counted);
    else expect(rejected).toBeGreaterThanOrEqual(counted);
    expect((await api.call('GET', `/api/v1/devices/${target.id}/telemetry/latest`)).metrics).toEqual({});
    expect((await api.call('GET', `/api/v1/devices/${target.id}/telemetry`)).items).toEqual([]);
    const logs = await api.call('GET', `/api/v1/devices/${target.id}/logs?limit=1000`);
    expect(logs.items.filter((log: { event_type: string }) => log.event_type !== 'status_changed')).toEqual([]);
  }

  test('every payload on every topic is acknowledged and counted', async () => {
    const client = await connectAsync(server.mqttUrl, { username: device.uid, password: device.secret });
    for (const channel of CHANNELS) {
      for (const payload of nasty) await client.publishAsync(`devices/${device.uid}/${channel}`, payload, { qos: 1 });
    }
    await expectOnlyCounted(device, CHANNELS.length * nasty.length, true);
    await client.endAsync();
  });

  test('random bytes and random JSON without a valid item are only counted', async () => {
    const target = await api.registerDevice();
    const client = await connectAsync(server.mqttUrl, { username: target.uid, password: target.secret });
    const payload = fc.oneof(
      fc.uint8Array({ minLength: 1, maxLength: 300 }).map((bytes) => Buffer.from([0xff, ...bytes])),
      fc
        .array(fc.oneof(fc.integer(), fc.string(), fc.constant(null)), { minLength: 1 })
        .map((value) => Buffer.from(JSON.stringify(value))),
    );
    let sent = 0;
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...CHANNELS), payload, async (channel, bytes) => {
        sent += 1;
        await client.publishAsync(`devices/${target.uid}/${channel}`, bytes, { qos: 1 });
      }),
      { numRuns: 300 },
    );
    await expectOnlyCounted(target, sent);
    await client.endAsync();
  });

  test('HTTP ingest takes the same and counts the same', async () => {
    const target = await api.registerDevice();
    const authorization = `Basic ${Buffer.from(`${target.uid}:${target.secret}`).toString('base64')}`;
    for (const channel of CHANNELS) {
      for (const payload of nasty) {
        for (const type of ['application/json', 'application/x-ndjson', 'text/plain']) {
          const response = await fetch(`${server.httpUrl}/api/v1/ingest/${channel}`, {
            method: 'POST',
            headers: { authorization, 'content-type': type },
            body: new Uint8Array(payload),
          });
          expect([200, 400, 413, 415, 422]).toContain(response.status);
          if (response.status === 200) expect(await response.json()).toMatchObject({ stored: 0, merged: 0 });
        }
      }
    }
    await expectOnlyCounted(target, 1);
  });

  test('bytes that are no MQTT end that connection and no other', async () => {
    const target = await api.registerDevice();
    const client = await connectAsync(server.mqttUrl, { username: target.uid, password: target.secret });
    for (let round = 0; round < 50; round += 1) {
      const socket = connectTcp(server.mqttPort, '127.0.0.1');
      socket.on('error', () => {});
      await once(socket, 'connect');
      // 0x30 and above: a PUBLISH before any CONNECT, with a length that never comes.
      socket.write(round % 2 === 0 ? randomBytes(200) : Buffer.from([0x30, 0xff, 0xff, 0xff, 0x7f, 0x00]));
      socket.end();
      socket.resume();
      await once(socket, 'close');
    }
    await client.publishAsync(`devices/${target.uid}/telemetry`, '{"alive":true}', { qos: 1 });
    expect((await api.call('GET', `/api/v1/devices/${target.id}/telemetry/latest`)).metrics).toMatchObject({
      alive: { value: true },
    });
    await client.endAsync();
  });

  test('the process lived through it, and its prototype is clean', async () => {
    expect((await fetch(`${server.httpUrl}/readyz`)).status).toBe(200);
    expect(server.output()).not.toContain('unexpected error');
    const answer = await api.call('GET', '/api/v1/devices');
    expect(JSON.stringify(answer)).not.toContain('polluted');
  });
});
