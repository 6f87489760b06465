import type { AccountMails } from '#modules/users/index.ts';
import type { JobQueue } from '#platform/jobs/jobs.port.ts';
import type { Mailer } from '#platform/mail/mail.port.ts';
import { linkTo } from './account.texts.ts';
import { languageOf } from './language.ts';

export interface AccountMailsDeps {
  readonly jobs: JobQueue;
  readonly mailer: Pick<Mailer, 'isConfigured'>;
  readonly publicUrl: () => string;
}

/**
 * Mails that an administrator asks for. The token is made when the mail is sent, as for every other one. Needs no users,
 * so that it is there before them.
 */
export function createAccountMails({ jobs, mailer, publicUrl }: AccountMailsDeps): AccountMails {
  return {
    isOn: mailer.isConfigured,
    async send(kind, email, acceptLanguage) {
      if (!mailer.isConfigured) return;
      await jobs.enqueue('send_account_mail', { kind, email, language: languageOf(acceptLanguage) });
    },
    linkTo: (kind, token) => linkTo(publicUrl(), kind, token),
  };
}
