import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Mailer } from './mail.port.ts';

/** A message as it arrived. */
export interface ReceivedMail {
  readonly from: string;
  readonly to: readonly string[];
  /** Headers and body as sent. */
  readonly raw: string;
}

/** A mail server and a mailer that is made for it. */
export interface MailHarness {
  readonly mailer: Mailer;
  readonly received: readonly ReceivedMail[];
  /** From now on `address` is answered with this SMTP code. */
  refuse(address: string, code: number): void;
  serverLeaves(): Promise<void>;
  serverReturns(): Promise<void>;
  close(): Promise<void>;
}

/** The specification of a `Mailer` that is configured; every adapter passes it unchanged. */
export function mailContract(name: string, open: () => Promise<MailHarness>): void {
  describe(`mail: ${name}`, () => {
    let harness: MailHarness;
    beforeEach(async () => {
      harness = await open();
    });
    afterEach(() => harness.close());

    const message = { to: 'kim@example.com', subject: 'Greenhouse 7 경고', text: 'It is 41 °C.\nSince noon.' };

    test('a message is with the server when `send` resolves', async () => {
      expect(harness.mailer.isConfigured).toBe(true);
      await harness.mailer.ping();
      await harness.mailer.send(message);
      const [mail] = harness.received;
      expect(mail).toMatchObject({ from: 'no-reply@example.com', to: ['kim@example.com'] });
      expect(mail?.raw).toMatch(/^From: "?core-api"? <no-reply@example.com>\r$/m);
      expect(mail?.raw).toMatch(/^Subject: =\?UTF-8\?/m);
      expect(mail?.raw).toContain('Auto-Submitted: auto-generated');
      expect(harness.received.length).toBe(1);
    });

    test('with HTML it is both', async () => {
      await harness.mailer.send({ ...message, html: '<p>It is <b>hot</b>.</p>' });
      expect(harness.received[0]?.raw).toMatch(/multipart\/alternative/);
      expect(harness.received[0]?.raw).toContain('<b>hot</b>');
    });

    test('many at once arrive once each', async () => {
      const to = Array.from({ length: 20 }, (_, index) => `user-${index}@example.com`);
      await Promise.all(to.map((address) => harness.mailer.send({ ...message, to: address })));
      expect(harness.received.flatMap((mail) => mail.to).toSorted()).toEqual(to.toSorted());
    });

    test('what the server refuses for good is invalid, the next message still goes', async () => {
      harness.refuse('gone@example.com', 550);
      await expect(harness.mailer.send({ ...message, to: 'gone@example.com' })).rejects.toMatchObject({
        kind: 'invalid',
        code: 'mail_refused',
      });
      await harness.mailer.send(message);
      expect(harness.received.map(({ to }) => to)).toEqual([['kim@example.com']]);
    });

    test('what it refuses for now is unavailable', async () => {
      harness.refuse('later@example.com', 451);
      await expect(harness.mailer.send({ ...message, to: 'later@example.com' })).rejects.toMatchObject({
        kind: 'unavailable',
      });
    });

    test.each(['not an address', '', 'a@example.com, b@example.com', 'a@example.com\r\nBCC: b@example.com'])(
      'what is not one address reaches nobody: %j',
      async (to) => {
        await expect(harness.mailer.send({ ...message, to })).rejects.toMatchObject({ kind: 'invalid' });
        expect(harness.received).toEqual([]);
      },
    );

    test('a header cannot be put in by a subject', async () => {
      await harness.mailer.send({ ...message, subject: 'Hello\r\nBcc: other@example.com' });
      expect(harness.received[0]?.to).toEqual(['kim@example.com']);
      expect(harness.received[0]?.raw).not.toMatch(/^Bcc:/im);
    });

    test('a server that is away is unavailable, and used again when it is back', async () => {
      await harness.mailer.send(message);
      await harness.serverLeaves();
      await expect(harness.mailer.send(message)).rejects.toMatchObject({ kind: 'unavailable' });
      await expect(harness.mailer.ping()).rejects.toMatchObject({ kind: 'unavailable' });
      await harness.serverReturns();
      await harness.mailer.send({ ...message, to: 'again@example.com' });
      expect(harness.received.at(-1)?.to).toEqual(['again@example.com']);
    });
  });
}
