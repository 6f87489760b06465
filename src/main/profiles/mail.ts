import type { Mailer } from '#platform/mail/mail.port.ts';
import type { Settings } from '../settings.ts';

/** E-mail: an SMTP server, or none. */
export async function createMailer({ SMTP_URL, MAIL_FROM }: Settings): Promise<Mailer> {
  if (SMTP_URL === null || MAIL_FROM === null) {
    const { createNoMailer } = await import('#platform/mail/no-mailer.ts');
    return createNoMailer();
  }
  const { createSmtpMailer } = await import('#platform/mail/smtp/smtp-mailer.ts');
  return createSmtpMailer({ url: SMTP_URL, from: MAIL_FROM });
}
