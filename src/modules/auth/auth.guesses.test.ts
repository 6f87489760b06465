import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Mailer } from '#platform/mail/mail.port.ts';
import { createSmtpMailer } from '#platform/mail/smtp/smtp-mailer.ts';
import { createTestAuth, type TestAuth } from '#test/support/auth.ts';
import { startTestSmtpServer, type TestSmtpServer } from '#test/support/smtp.ts';

/* Who guesses passwords from many addresses, and whose account it is. */

const EMAIL = 'kim@example.com';
const PASSWORD = 'correct horse';
const NEW_PASSWORD = 'battery staple';
const HOME = '203.0.113.7';
const HOTEL = '198.51.100.9';
const DAY_MS = 86_400_000;

let smtp: TestSmtpServer;
let mailer: Mailer;
let app: TestAuth;
beforeEach(async () => {
  smtp = await startTestSmtpServer({ hideSTARTTLS: true });
  mailer = createSmtpMailer({ url: `smtp://127.0.0.1:${smtp.port}`, from: 'core-api <no-reply@example.com>' });
  app = await createTestAuth({ mailer, server: { trustProxy: true } });
  await app.users.create({ email: EMAIL, password: PASSWORD, role: 'USER' });
});
afterEach(async () => {
  await app.close();
  await mailer.stop?.(AbortSignal.timeout(5_000));
  await smtp.stop();
});

const post = (path: string, body: object, from: string) =>
  app.request({ method: 'POST', url: `/api/v1/auth${path}`, body, headers: { 'x-forwarded-for': from } });
const login = async (from: string, password = PASSWORD, email = EMAIL) =>
  (await post('/login', { email, password }, from)).status;

/** 125 guesses from 25 addresses. @returns how many were checked */
async function guess(email = EMAIL): Promise<number> {
  let checked = 0;
  for (let address = 1; address <= 25; address += 1) {
    for (let attempt = 0; attempt < 5; attempt += 1) {
      const status = await login(`192.0.2.${address}`, 'wrong horse', email);
      expect([401, 429]).toContain(status);
      if (status === 401) checked += 1;
    }
  }
  return checked;
}

test('many addresses get twenty guesses an hour at an account, whether or not it exists', async () => {
  expect(await guess()).toBe(20);
  expect(await guess('nobody@example.com')).toBe(20);
  const refused = await post('/login', { email: EMAIL, password: PASSWORD }, HOTEL);
  expect(refused.json()).toMatchObject({ status: 429, code: 'too_many_logins' });
  expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
  expect(Number(refused.headers['retry-after'])).toBeLessThanOrEqual(3_600);
});

test('the owner signs in meanwhile from where it signed in within 90 days, by IPv6 from anywhere in that network', async () => {
  expect(await login(HOME)).toBe(200);
  expect(await login('2001:db8:1:2::1')).toBe(200);
  app.clock.advance(89 * DAY_MS);
  expect(await guess()).toBe(20);
  expect(await login(HOME)).toBe(200);
  expect(await login('2001:db8:1:2:aaaa::1')).toBe(200);
  expect(await login(HOTEL)).toBe(429);
  app.clock.advance(91 * DAY_MS);
  await app.auth.api.removeExpiredTokens();
  expect(await guess()).toBe(20);
  expect(await login(HOME)).toBe(429);
});

test('the owner elsewhere gets in by its mail', async () => {
  expect(await guess()).toBe(20);
  expect((await post('/password/forgot', { email: EMAIL }, HOTEL)).status).toBe(202);
  await app.jobs.runUntilIdle();
  const token = /#token=3?D?([\w-]{43})/.exec((smtp.received[0]?.raw ?? '').replaceAll('=\r\n', ''))?.[1];
  expect((await post('/password/reset', { token, new_password: NEW_PASSWORD }, HOTEL)).status).toBe(202);
  expect(await login(HOTEL, NEW_PASSWORD)).toBe(200);
  expect(await login('198.51.100.10', NEW_PASSWORD)).toBe(429);
});

test('twenty addresses of an account are remembered, the latest ones', async () => {
  for (let address = 1; address <= 21; address += 1) {
    app.clock.advance(1);
    expect(await login(`203.0.113.${address}`)).toBe(200);
  }
  expect(await guess()).toBe(20);
  expect(await login('203.0.113.1')).toBe(429);
  expect(await login('203.0.113.2')).toBe(200);
  expect(await login('203.0.113.21')).toBe(200);
});
