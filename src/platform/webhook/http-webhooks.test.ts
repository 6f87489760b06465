import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '#kernel/clock.ts';
import { TEST_CERTIFICATE } from '#platform/mqtt/aedes/certificate.fixture.ts';
import { startWebhookReceiver, type WebhookReceiver } from '#test/support/webhook-receiver.ts';
import { createHttpWebhooks, type HttpWebhooksOptions } from './http-webhooks.ts';
import { WEBHOOK_NOW, WEBHOOK_SECRET, webhookContract } from './webhook.contract.ts';

const base = { secret: WEBHOOK_SECRET, clock: { ...systemClock, now: () => WEBHOOK_NOW }, version: '0.0.0-test' };
const message = { id: 'msg-1', body: { type: 'alert' } };

webhookContract('HTTP', async () => {
  const receiver = await startWebhookReceiver();
  const { url: _, ...harness } = receiver;
  const sender = createHttpWebhooks({ ...base, urls: [receiver.url], allowPrivate: true, timeoutMs: 2_000 });
  return { ...harness, received: receiver.received, sender };
});

describe('where a webhook may lead', () => {
  let receiver: WebhookReceiver;
  beforeEach(async () => {
    receiver = await startWebhookReceiver();
  });
  afterEach(() => receiver.close());

  const send = (url: string, options: Partial<HttpWebhooksOptions> = {}) => {
    const sender = createHttpWebhooks({ ...base, urls: [url], allowPrivate: false, timeoutMs: 2_000, ...options });
    return sender.send(sender.endpoints[0] ?? '', message, AbortSignal.timeout(5_000));
  };

  test.each([
    'http://127.0.0.1:PORT/',
    'http://localhost:PORT/',
    'http://2130706433:PORT/',
    'http://0x7f.1:PORT/',
    'http://017700000001:PORT/',
    'http://0.0.0.0:PORT/',
    'http://[::1]:PORT/',
    'http://[::ffff:127.0.0.1]:PORT/',
    'http://[::ffff:7f00:1]:PORT/',
    'https://10.0.0.1/',
    'https://169.254.169.254/latest/meta-data/',
    'https://[fd00:ec2::254]/latest/meta-data/',
    'https://[fe80::1]/',
  ])('not to %s', async (url) => {
    await expect(send(url.replace('PORT', String(receiver.port)))).rejects.toMatchObject({
      kind: 'forbidden',
      code: 'webhook_address_refused',
    });
    expect(receiver.received).toEqual([]);
  });

  test('not by a name that leads inside, also beside a public address', async () => {
    const resolve = async () => [
      { address: '93.184.215.14', family: 4 },
      { address: '127.0.0.1', family: 4 },
    ];
    await expect(send(`http://inside.example:${receiver.port}/`, { resolve })).rejects.toMatchObject({
      kind: 'forbidden',
    });
    expect(receiver.received).toEqual([]);
  });

  test('not by a name that answers differently the second time', async () => {
    const answers = ['192.0.2.1', '127.0.0.1'];
    let asked = 0;
    const resolve = async () => [{ address: answers[Math.min(asked++, 1)] ?? '', family: 4 }];
    const url = `http://rebinding.example:${receiver.port}/`;
    for (let round = 0; round < 3; round += 1) {
      await expect(send(url, { resolve })).rejects.toMatchObject({ kind: 'forbidden' });
    }
    expect(asked).toBe(3);
    expect(receiver.received).toEqual([]);
  });

  test('to what was checked and nothing else: the name is asked for once a call', async () => {
    let asked = 0;
    const resolve = async () => {
      asked += 1;
      return [{ address: '127.0.0.1', family: 4 }];
    };
    const url = `http://receiver.example:${receiver.port}/hook`;
    expect(await send(url, { resolve, allowPrivate: true })).toEqual({ status: 204 });
    expect(asked).toBe(1);
    expect(receiver.received[0]?.headers['host']).toBe(`receiver.example:${receiver.port}`);
  });

  test('a name that leads nowhere may be tried again', async () => {
    const resolve = async () => Promise.reject(Object.assign(new Error('no such name'), { code: 'ENOTFOUND' }));
    await expect(send('http://nowhere.example/', { resolve })).rejects.toMatchObject({ kind: 'unavailable' });
    await expect(send('http://nobody.example/', { resolve: async () => [] })).rejects.toMatchObject({
      kind: 'forbidden',
    });
  });
});

test('endpoints have names that do not show the address and stay the same', () => {
  const urls = ['https://one.example/secret-path', 'https://two.example/'];
  const names = createHttpWebhooks({ ...base, urls, allowPrivate: false }).endpoints;
  const reversed = createHttpWebhooks({ ...base, urls: urls.toReversed(), allowPrivate: false }).endpoints;
  expect(new Set(names).size).toBe(2);
  expect(reversed.toReversed()).toEqual(names);
  expect(names.join()).not.toMatch(/one|secret/);
});

test('over TLS a certificate that nothing vouches for is refused', async () => {
  let requests = 0;
  const server = createServer(TEST_CERTIFICATE, (_request, response) => {
    requests += 1;
    response.end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const sender = createHttpWebhooks({ ...base, urls: [`https://localhost:${port}/`], allowPrivate: true });
  await expect(sender.send(sender.endpoints[0] ?? '', message, AbortSignal.timeout(5_000))).rejects.toMatchObject({
    kind: 'unavailable',
    message: expect.stringContaining('CERT'),
  });
  expect(requests).toBe(0);
  server.closeAllConnections();
  server.close();
});
