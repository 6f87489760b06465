import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ApiClient, signIn } from '../support/api-client.ts';
import { startTestSmtpServer, type TestSmtpServer } from '../support/smtp.ts';
import { type AttackedServer, startAttackedServer } from './attacked-server.ts';

const FLAPS = 200;
const PERSON = { email: 'user@example.com', password: 'correct horse battery' };

let smtp: TestSmtpServer;
let attacked: AttackedServer;
let user: ApiClient;
let userId: number;

beforeAll(async () => {
  smtp = await startTestSmtpServer({ hideSTARTTLS: true });
  attacked = await startAttackedServer({
    SMTP_URL: `smtp://127.0.0.1:${smtp.port}`,
    MAIL_FROM: 'core-api <no-reply@example.com>',
  });
  const { id } = await attacked.api.call('POST', '/api/v1/users', { ...PERSON, role: 'USER' });
  userId = id;
  // Alerts are mailed to addresses that were verified.
  await attacked.api.call('PATCH', `/api/v1/users/${id}`, { is_verified: true });
  user = await signIn(attacked.server, PERSON);
}, 60_000);
afterAll(async () => {
  await attacked.stop();
  await smtp.stop();
});

const mailsAbout = (name: string) => smtp.received.filter(({ raw }) => raw.includes(name));

test("a USER's rule that flaps sends one mail for each rule, to that USER alone", async () => {
  const device = await attacked.api.registerDevice({ owner_id: userId });
  let at = 0;
  const send = async (value: number) => {
    // Each is a sample of its own: those of one millisecond are merged.
    at = Math.max(at + 1, Date.now());
    const response = await fetch(`${attacked.server.httpUrl}/api/v1/ingest/telemetry`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        authorization: `Basic ${btoa(`${device.uid}:${device.secret}`)}`,
      },
      body: JSON.stringify({ timestamp: at, metrics: { value } }),
    });
    if (!response.ok) throw new Error(await response.text());
  };
  for (const name of ['Flapping', 'Other']) {
    await user.call('POST', '/api/v1/monitoring/alert-rules', {
      ...{ name, metric: 'value', condition: 'gt', threshold: 5, severity: 'CRITICAL', channels: ['web', 'email'] },
      scope: { device_id: device.id },
    });
  }
  const alerts = async () =>
    (await user.call('GET', `/api/v1/monitoring/alerts?device_id=${device.id}&is_acknowledged=all&size=1`)).total;
  // The rules are known to the ingest path a moment after they were made.
  await expect
    .poll(async () => [await send(9), await send(1), (await alerts()) > 1].at(-1), { timeout: 20_000 })
    .toBe(true);
  const strain = await attacked.strainOf(async () => {
    for (let flap = 0; flap < FLAPS; flap += 1) {
      await send(9);
      await send(1);
    }
    await expect.poll(alerts, { timeout: 30_000 }).toBeGreaterThanOrEqual(2 * FLAPS);
    // Each is told of twice, when it is raised and when it is over. By then the jobs that mail have had everything to do that they ever will.
    await expect
      .poll(async () => (await user.call('GET', '/api/v1/notifications?size=1')).total, { timeout: 60_000 })
      .toBe(2 * (await alerts()));
  });
  await expect.poll(() => mailsAbout('Other').length, { timeout: 20_000 }).toBe(1);
  expect(mailsAbout('Flapping').map(({ to }) => to)).toEqual([[PERSON.email]]);
  expect(mailsAbout('Other').map(({ to }) => to)).toEqual([[PERSON.email]]);
  expect(strain.slowestMs).toBeLessThan(25 * strain.quietMs);
}, 180_000);
