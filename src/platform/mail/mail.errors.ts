import { defineErrors } from '#kernel/errors.ts';

export const mailErrors = defineErrors({
  mail_not_configured: ['conflict', 'E-mail is off: SMTP_URL is not set.'],
  mail_refused: ['invalid', 'The mail server refuses this message for good.'],
  mail_server_unavailable: ['unavailable', 'The mail server is away, or does not accept mail from here.'],
});
