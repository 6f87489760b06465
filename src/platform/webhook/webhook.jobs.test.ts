import { afterEach, beforeEach, expect, test } from 'vitest';
import { createJobsHarness, type JobsHarness } from '#test/support/jobs.ts';
import { startWebhookReceiver, type WebhookReceiver } from '#test/support/webhook-receiver.ts';
import { createHttpWebhooks } from './http-webhooks.ts';
import { createWebhookJobs } from './webhook.jobs.ts';

let receiver: WebhookReceiver;
let jobs: JobsHarness;

beforeEach(async () => {
  receiver = await startWebhookReceiver();
  jobs = createJobsHarness();
});
afterEach(async () => {
  await jobs.stop();
  await receiver.close();
});

async function enqueue(allowPrivate = true): Promise<void> {
  const webhooks = createHttpWebhooks({
    urls: [receiver.url],
    secret: 'a secret of sixteen',
    allowPrivate,
    clock: jobs.clock,
    version: '0.0.0-test',
  });
  jobs.define(createWebhookJobs(webhooks));
  await jobs.start();
  const [endpoint = ''] = webhooks.endpoints;
  await jobs.jobs.enqueue('send_webhook', { endpoint, id: 'msg-1', body: { type: 'alert' } }, { id: 'one' });
  await jobs.runUntilIdle();
}
async function again(): Promise<void> {
  jobs.clock.advance(86_400_000);
  await jobs.runUntilIdle();
}
const state = async () => (await jobs.all('send_webhook')).map(({ state, failures }) => ({ state, failures }))[0];

test('a receiver that is being mended is called again, with the same id and a new time', async () => {
  receiver.behave({ status: 503 });
  await enqueue();
  expect(await state()).toEqual({ state: 'delayed', failures: 1 });
  await again();
  receiver.behave({ status: 200 });
  await again();
  expect(await state()).toEqual({ state: 'done', failures: 2 });
  const headers = receiver.received.map((call) => call.headers);
  expect(headers.map((each) => each['webhook-id'])).toEqual(['msg-1', 'msg-1', 'msg-1']);
  expect(new Set(headers.map((each) => each['webhook-timestamp'])).size).toBe(3);
  expect(new Set(headers.map((each) => each['webhook-signature'])).size).toBe(3);
});

test('it is given up after twelve tries', async () => {
  receiver.behave({ status: 500 });
  await enqueue();
  for (let round = 0; round < 20; round += 1) await again();
  expect(await state()).toEqual({ state: 'failed', failures: 12 });
  expect(receiver.received).toHaveLength(12);
});

test('a receiver that is gone, and an address that is not public, are not called again', async () => {
  receiver.behave({ status: 410 });
  await enqueue();
  expect(await state()).toEqual({ state: 'failed', failures: 1 });
  await jobs.stop();
  jobs = createJobsHarness();
  await enqueue(false);
  expect(await state()).toEqual({ state: 'failed', failures: 1 });
  expect(receiver.received).toHaveLength(1);
});
