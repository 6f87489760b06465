import { commonErrors } from '#kernel/errors.ts';
import { LANGUAGES } from '#kernel/language.ts';
import type { JobDefinition } from '#platform/jobs/jobs.port.ts';
import { ACCOUNT_MAIL_KINDS } from './account.ports.ts';
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
    isInternal: true,
    run: async (data) => ({ sent: await mail.send(checked(data)) }),
  };
  return [send];
}

/** An administrator may run a job by hand, with data of any shape. */
function checked(data: AccountMail): AccountMail {
  const { kind, email, language }: Partial<AccountMail> = data ?? {};
  const isKnown = kind !== undefined && ACCOUNT_MAIL_KINDS.includes(kind) && typeof email === 'string';
  if (!isKnown || language === undefined || !LANGUAGES.includes(language)) {
    throw commonErrors.invalid_input({
      detail: `Needed are kind (${ACCOUNT_MAIL_KINDS.join(' or ')}), email and language (${LANGUAGES.join(' or ')}).`,
    });
  }
  return { kind, email, language };
}
