import { afterEach, describe, expect, test } from 'vitest';
import { TEST_CERTIFICATE } from '#platform/mqtt/aedes/certificate.fixture.ts';
import { startTestSmtpServer, type TestSmtpServer } from '#test/support/smtp.ts';
import { mailContract } from '../mail.contract.ts';
import type { Mailer } from '../mail.port.ts';
import { createSmtpMailer } from './smtp-mailer.ts';

const FROM = 'core-api <no-reply@example.com>';
const soon = () => AbortSignal.timeout(5_000);
const message = { to: 'kim@example.com', subject: 'Hello', text: 'Hello.' };

mailContract('SMTP', async () => {
  const server = await startTestSmtpServer({ hideSTARTTLS: true });
  const mailer = createSmtpMailer({ url: `smtp://127.0.0.1:${server.port}`, from: FROM });
  return {
    mailer,
    received: server.received,
    refuse: server.refuse,
    serverLeaves: server.stop,
    serverReturns: server.start,
    async close() {
      await mailer.stop?.(soon());
      await server.stop();
    },
  };
});

describe('TLS and login', () => {
  let server: TestSmtpServer;
  let mailer: Mailer;
  afterEach(async () => {
    await mailer.stop?.(soon());
    await server.stop();
  });
  const seen: { user: string | undefined; secure: boolean }[] = [];
  const withLogin = () =>
    startTestSmtpServer({
      onAuth({ username, password }, session, callback) {
        seen.push({ user: username, secure: session.secure });
        if (password === 'p@ss word') callback(null, { user: username });
        else callback(new Error('wrong'));
      },
    });
  const at = (port: number, login: string) => `smtp://${login}localhost:${port}`;

  test('the login goes over STARTTLS', async () => {
    server = await withLogin();
    mailer = createSmtpMailer({
      url: at(server.port, 'relay:p%40ss%20word@'),
      from: FROM,
      ca: TEST_CERTIFICATE.cert,
    });
    await mailer.send(message);
    expect(server.received.length).toBe(1);
    expect(seen.at(-1)).toEqual({ user: 'relay', secure: true });
  });

  test('a wrong password is of the server, not of the message: it may be mended', async () => {
    server = await withLogin();
    mailer = createSmtpMailer({ url: at(server.port, 'relay:no@'), from: FROM, ca: TEST_CERTIFICATE.cert });
    await expect(mailer.send(message)).rejects.toMatchObject({ kind: 'unavailable' });
  });

  test('a password is not sent to a server without TLS', async () => {
    seen.length = 0;
    server = await startTestSmtpServer({
      hideSTARTTLS: true,
      allowInsecureAuth: true,
      disabledCommands: ['STARTTLS'],
      onAuth({ username }, session, callback) {
        seen.push({ user: username, secure: session.secure });
        callback(null, { user: username });
      },
    });
    mailer = createSmtpMailer({ url: at(server.port, 'relay:secret@'), from: FROM });
    await expect(mailer.send(message)).rejects.toMatchObject({ kind: 'unavailable' });
    expect(seen).toEqual([]);
  });

  test('a certificate that nothing vouches for is refused', async () => {
    server = await startTestSmtpServer();
    mailer = createSmtpMailer({ url: at(server.port, ''), from: FROM });
    await expect(mailer.send(message)).rejects.toMatchObject({ kind: 'unavailable' });
    expect(server.received).toEqual([]);
  });

  test('smtps is TLS from the first byte', async () => {
    server = await startTestSmtpServer({ secure: true });
    mailer = createSmtpMailer({ url: `smtps://localhost:${server.port}`, from: FROM, ca: TEST_CERTIFICATE.cert });
    await mailer.send(message);
    expect(server.received.length).toBe(1);
  });
});
