import { afterEach, beforeEach, expect, test } from 'vitest';
import { createJobsHarness, type JobsHarness } from '#test/support/jobs.ts';
import { startTestSmtpServer, type TestSmtpServer } from '#test/support/smtp.ts';
import { createMailJobs } from './mail.jobs.ts';
import type { Mailer } from './mail.port.ts';
import { createNoMailer } from './no-mailer.ts';
import { createSmtpMailer } from './smtp/smtp-mailer.ts';

const message = { to: 'kim@example.com', subject: 'Hello', text: 'Hello.' };

let server: TestSmtpServer;
let jobs: JobsHarness;
let mailer: Mailer;

beforeEach(async () => {
  server = await startTestSmtpServer({ hideSTARTTLS: true });
  jobs = createJobsHarness();
});
afterEach(async () => {
  await jobs.stop();
  await mailer.stop?.(AbortSignal.timeout(5_000));
  await server.stop();
});

async function start(made: Mailer): Promise<void> {
  mailer = made;
  jobs.define(createMailJobs(mailer));
  await jobs.start();
}
const smtp = () => createSmtpMailer({ url: `smtp://127.0.0.1:${server.port}`, from: 'no-reply@example.com' });
const states = async () => (await jobs.all('send_email')).map(({ state, failures }) => ({ state, failures }));

test('a server that is away gets it when it is back', async () => {
  await start(smtp());
  await server.stop();
  await jobs.jobs.enqueue('send_email', message, { id: 'one' });
  await jobs.runUntilIdle();
  expect(await states()).toEqual([{ state: 'delayed', failures: 1 }]);
  await server.start();
  jobs.clock.advance(86_400_000);
  await jobs.runUntilIdle();
  expect(await states()).toEqual([{ state: 'done', failures: 1 }]);
  expect(server.received.map(({ to }) => to)).toEqual([['kim@example.com']]);
});

test('what the server refuses for good fails at once, and is kept', async () => {
  await start(smtp());
  server.refuse('kim@example.com', 550);
  await jobs.jobs.enqueue('send_email', message, { id: 'one' });
  await jobs.runUntilIdle();
  expect(await states()).toEqual([{ state: 'failed', failures: 1 }]);
  const [job] = await jobs.all('send_email');
  expect(job?.error).toContain('refuses this message');
});

test('while e-mail is off each fails at once', async () => {
  await start(createNoMailer());
  await jobs.jobs.enqueue('send_email', message, { id: 'one' });
  await jobs.runUntilIdle();
  expect(await states()).toEqual([{ state: 'failed', failures: 1 }]);
});
