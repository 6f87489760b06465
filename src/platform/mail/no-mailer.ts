import { mailErrors } from './mail.errors.ts';
import type { Mailer } from './mail.port.ts';

/** `Mailer` of an installation without a mail server. */
export function createNoMailer(): Mailer {
  const refuse = async () => {
    throw mailErrors.mail_not_configured();
  };
  return { name: 'mail', isConfigured: false, send: refuse, ping: refuse };
}
