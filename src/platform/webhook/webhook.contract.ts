import { createHmac } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { WebhookSender } from './webhook.port.ts';

export interface ReceivedCall {
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** What a receiver does with its next calls; the last one is repeated. */
export type Behaviour =
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly answerBytes?: number }
  | 'hangs'
  | 'endless'
  | 'cuts';

/** A sender that is configured for one receiver, at `/hook`, with the secret and the clock given here. */
export interface WebhookHarness {
  readonly sender: WebhookSender;
  readonly received: readonly ReceivedCall[];
  behave(behaviour: Behaviour): void;
  /** Resolves when the receiver has nobody connected any more. */
  disconnected(): Promise<void>;
  close(): Promise<void>;
}

export const WEBHOOK_SECRET = 'correct horse battery staple';
export const WEBHOOK_NOW = Date.UTC(2026, 10, 24, 8, 0, 0, 250);

/** The specification of `WebhookSender`. */
export function webhookContract(name: string, open: () => Promise<WebhookHarness>): void {
  describe(`webhooks: ${name}`, () => {
    let harness: WebhookHarness;
    beforeEach(async () => {
      harness = await open();
    });
    afterEach(() => harness.close());

    const message = { id: 'msg-1', body: { type: 'alert', title: '온도', data: { device_id: 7 } } };
    const send = (signal = AbortSignal.timeout(30_000)) =>
      harness.sender.send(harness.sender.endpoints[0] ?? '', message, signal);

    test('a call is a POST of the body, signed over id, time and body', async () => {
      harness.behave({ status: 204 });
      expect(await send()).toEqual({ status: 204 });
      const [call] = harness.received;
      expect(JSON.parse(call?.body ?? '')).toEqual(message.body);
      const timestamp = Math.floor(WEBHOOK_NOW / 1000);
      const mac = createHmac('sha256', WEBHOOK_SECRET).update(`msg-1.${timestamp}.${call?.body}`).digest('base64');
      expect(call).toMatchObject({
        path: '/hook',
        headers: {
          'content-type': 'application/json',
          'webhook-id': 'msg-1',
          'webhook-timestamp': String(timestamp),
          'webhook-signature': `v1,${mac}`,
        },
      });
    });

    test.each([400, 404, 429, 500, 503])('%i may be repeated', async (status) => {
      harness.behave({ status });
      await expect(send()).rejects.toMatchObject({
        kind: 'unavailable',
        message: expect.stringContaining(`${status}`),
      });
    });

    test('410 is for good', async () => {
      harness.behave({ status: 410 });
      await expect(send()).rejects.toMatchObject({ kind: 'conflict' });
    });

    test.each([301, 302, 307, 308])('a redirect (%i) is not followed', async (status) => {
      harness.behave({ status, headers: { location: '/elsewhere' } });
      await expect(send()).rejects.toMatchObject({ kind: 'unavailable' });
      expect(harness.received.map(({ path }) => path)).toEqual(['/hook']);
    });

    test('a receiver that does not answer is given up', async () => {
      harness.behave('hangs');
      await expect(send()).rejects.toMatchObject({ kind: 'unavailable' });
      await harness.disconnected();
    });

    test('so is one when the caller gives up', async () => {
      harness.behave('hangs');
      await expect(send(AbortSignal.timeout(20))).rejects.toMatchObject({ kind: 'unavailable' });
      await harness.disconnected();
    });

    test('a receiver that hangs up may be called again', async () => {
      harness.behave('cuts');
      await expect(send()).rejects.toMatchObject({ kind: 'unavailable' });
      harness.behave({ status: 200 });
      expect(await send()).toEqual({ status: 200 });
    });

    test('an answer without end is not read to its end', async () => {
      harness.behave('endless');
      expect(await send()).toEqual({ status: 200 });
      await harness.disconnected();
    });

    test('an endpoint that is not configured is not called', async () => {
      const signal = AbortSignal.timeout(1_000);
      await expect(harness.sender.send('other', message, signal)).rejects.toMatchObject({ kind: 'not_found' });
      expect(harness.received).toEqual([]);
    });
  });
}
