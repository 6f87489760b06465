import { expect, test } from 'vitest';
import { createMailJobs } from './mail.jobs.ts';
import { createNoMailer } from './no-mailer.ts';

test('without a server every e-mail fails, in a way that no repetition would mend', async () => {
  const mailer = createNoMailer();
  const [job] = createMailJobs(mailer);
  const failure = { kind: 'conflict', code: 'mail_not_configured' };
  const context = {
    jobId: '1',
    attempt: 1,
    scheduledFor: null,
    progress: () => {},
    signal: AbortSignal.timeout(1_000),
  };
  expect(mailer.isConfigured).toBe(false);
  await expect(job?.run({ to: 'a@example.com', subject: 's', text: 't' } as never, context)).rejects.toMatchObject(
    failure,
  );
  await expect(mailer.ping()).rejects.toMatchObject(failure);
});
