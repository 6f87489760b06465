import type { JobDefinition } from '#platform/jobs/jobs.port.ts';
import type { AccountMail, AccountMailService } from './account-mail.service.ts';

declare module '#platform/jobs/jobs.port.ts' {
  interface JobMap {
    send_account_mail: AccountMail;
  }
}

/** As many as `send_email` has: over about an hour. */
const ATTEMPTS = 8;

export function createAccountJobs(mail: Pick<AccountMailService, 'send'>): readonly JobDefinition[] {
  const send: JobDefinition<'send_account_mail'> = {
    name: 'send_account_mail',
    queue: 'default',
    description: 'Makes a token to verify an e-mail address or reset a password, and sends it there.',
    attempts: ATTEMPTS,
    run: async (data) => ({ sent: await mail.send(data) }),
  };
  return [send];
}
