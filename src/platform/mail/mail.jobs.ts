import { Type } from 'typebox';
import type { JobDefinition } from '#platform/jobs/jobs.port.ts';
import type { Mailer, MailMessage } from './mail.port.ts';

declare module '#platform/jobs/jobs.port.ts' {
  interface JobMap {
    /** Sends one e-mail. Whoever enqueues it gives it an id, so that the same e-mail is not made twice. */
    send_email: MailMessage;
  }
}

/** Tries over about an hour: a mail server that greylists takes the second or third. */
const ATTEMPTS = 8;

const SendEmail = Type.Object(
  {
    to: Type.String({ minLength: 3, maxLength: 254, format: 'email', description: 'Address' }),
    subject: Type.String({ minLength: 1, maxLength: 200, description: 'One line' }),
    text: Type.String({ minLength: 1, maxLength: 20_000, description: 'What it says' }),
    html: Type.Optional(Type.String({ maxLength: 50_000, description: 'The same in HTML; absent: text only' })),
  },
  { additionalProperties: false },
);

/**
 * The job `send_email`. A server that is away is tried again; a message that it refuses, and any while e-mail is
 * off, fails at once and is kept, from where it can be run again.
 */
export function createMailJobs(mailer: Mailer): readonly JobDefinition[] {
  const sendEmail: JobDefinition<'send_email'> = {
    name: 'send_email',
    queue: 'default',
    description: 'Sends one e-mail through SMTP_URL.',
    attempts: ATTEMPTS,
    dataSchema: SendEmail,
    async run(message) {
      await mailer.send(message);
      return { to: message.to };
    },
  };
  return [sendEmail];
}
