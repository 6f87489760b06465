import { createHmac } from 'node:crypto';
import { io, type Socket } from 'socket.io-client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createPeople, type People } from '#test/support/people.ts';
import { startTestSmtpServer, type TestSmtpServer } from '#test/support/smtp.ts';
import { type RunningSystem, startTestSystem } from '#test/support/system.ts';
import { startWebhookReceiver, type WebhookReceiver } from '#test/support/webhook-receiver.ts';

/* From a measurement to everybody who has to know, by every channel, through the whole system. */

const SECRET = 'correct horse battery staple';

let smtp: TestSmtpServer;
let receiver: WebhookReceiver;
let system: RunningSystem;
let people: People;
let screen: Socket;
const shown: { type: string; data: { status: string } }[] = [];

beforeAll(async () => {
  smtp = await startTestSmtpServer({ hideSTARTTLS: true });
  receiver = await startWebhookReceiver();
  system = await startTestSystem({
    SMTP_URL: `smtp://127.0.0.1:${smtp.port}`,
    MAIL_FROM: 'core-api <no-reply@example.com>',
    WEBHOOK_URL: receiver.url,
    WEBHOOK_SECRET: SECRET,
    WEBHOOK_ALLOW_PRIVATE: 'true',
  });
  people = await createPeople(system);
  screen = io(`http://127.0.0.1:${system.system.http.port()}/notification`, {
    auth: { token: people.USER.token() },
    reconnection: false,
  });
  screen.on('notification', (notification) => shown.push(notification));
  await new Promise<void>((resolve) => screen.once('connect', resolve));
});
afterAll(async () => {
  screen.disconnect();
  await system.stop();
  await receiver.close();
  await smtp.stop();
});

/** Without those that ask people to verify their addresses. */
const alertMails = () => smtp.received.filter(({ raw }) => raw.includes('Too hot'));
const poll = <T>(read: () => T) => expect.poll(read, { timeout: 10_000 });
const titlesOf = async (person: 'USER' | 'MANAGER' | 'SUPERADMIN') => {
  const { items } = (await system.request({ url: '/api/v1/notifications', as: people[person].token() })).json();
  return items.map(({ title }: { title: string }) => title);
};

test('an alert reaches the owner and the management, on the web, by e-mail and by webhook, once', async () => {
  const device = await people.device({ owner_id: people.USER.id });
  const stranger = await people.person('USER');
  const rule = {
    ...{ name: 'Too hot', metric: 'temperature', condition: 'gt', threshold: 40, severity: 'CRITICAL' },
    ...{ scope: { device_id: device.id }, channels: ['web', 'email', 'webhook'] },
  };
  const made = await system.request({
    method: 'POST',
    url: '/api/v1/monitoring/alert-rules',
    as: people.MANAGER.token(),
    body: rule,
  });
  expect(made.status, made.text).toBe(201);
  const send = (temperature: number) =>
    system.request({
      method: 'POST',
      url: '/api/v1/ingest/telemetry',
      headers: device.headers,
      body: { temperature },
    });
  // The rule is known to the ingest path a moment after it was made.
  await poll(async () => {
    await send(41);
    return await titlesOf('USER');
  }).toEqual(['CRITICAL: Too hot']);
  await send(42);
  await poll(() => titlesOf('MANAGER')).toEqual(['CRITICAL: Too hot']);
  await poll(() => shown.map(({ type }) => type)).toEqual(['alert']);

  // Of the people here only the operator's address has been verified.
  await poll(() => alertMails().map(({ to }) => to)).toEqual([['superadmin@example.com']]);
  const [mail] = alertMails();
  for (const part of ['Subject: CRITICAL: Too hot', device.uid, 'Value: 41', 'Time: ', '/#alerts/']) {
    expect(mail?.raw).toContain(part);
  }

  await poll(() => receiver.received.length).toBe(1);
  const [call] = receiver.received;
  const body = call?.body ?? '';
  expect(JSON.parse(body)).toMatchObject({ type: 'alert', data: { device_id: device.id, severity: 'CRITICAL' } });
  const signed = `${call?.headers['webhook-id']}.${call?.headers['webhook-timestamp']}.${body}`;
  const mac = createHmac('sha256', SECRET).update(signed).digest('base64');
  expect(call?.headers['webhook-signature']).toBe(`v1,${mac}`);

  // Its end is told on the web and to the receiver, which closes what it opened.
  await send(20);
  await poll(() => titlesOf('USER')).toEqual(['Cleared: Too hot', 'CRITICAL: Too hot']);
  await poll(() => receiver.received.map((each) => JSON.parse(each.body).data.status)).toEqual(['ACTIVE', 'CLEARED']);
  await poll(() => shown.map(({ data }) => data.status)).toEqual(['ACTIVE', 'CLEARED']);
  expect(alertMails()).toHaveLength(1);
  const none = await system.request({ url: '/api/v1/notifications', as: stranger.token() });
  expect(none.json().total).toBe(0);
});
