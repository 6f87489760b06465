import type { RequestOrigin } from '#kernel/access.ts';
import type { Language } from '#kernel/language.ts';
import type { Logger } from '#kernel/logger.ts';
import type { UsersApi } from '#modules/users/index.ts';
import type { JobQueue } from '#platform/jobs/jobs.port.ts';
import type { Mailer } from '#platform/mail/mail.port.ts';
import type { SingleUseTokens } from '../single-use/single-use.service.ts';
import type { AccountMailKind, MailThrottle } from './account.ports.ts';
import { LINK_LIFETIME_MS, linkTo, MAIL_TEXTS } from './account.texts.ts';

/** The data of the job `send_account_mail`. It holds no secret: who may look at jobs may not reset passwords. */
export interface AccountMail {
  readonly kind: AccountMailKind;
  /** Trimmed and lower-cased. Whether somebody has it turns out when the mail is made. */
  readonly email: string;
  readonly language: Language;
}

/** Who asked for a mail, and how to write it. */
export interface MailRequest {
  readonly origin: RequestOrigin;
  readonly language: Language;
}

export interface AccountMailDeps {
  readonly users: Pick<UsersApi, 'findByEmail'>;
  readonly tokens: SingleUseTokens;
  readonly throttle: MailThrottle;
  readonly background: { readonly jobs: JobQueue; readonly mailer: Mailer };
  readonly logger: Logger;
  readonly publicUrl: () => string;
}

export type AccountMailService = ReturnType<typeof createAccountMailService>;

/**
 * Mails with a token. The token is made when the mail is sent, by the worker, and is nowhere but in the mail: a queue
 * keeps its jobs for a while, and administrators look at them.
 */
export function createAccountMailService(deps: AccountMailDeps) {
  const { users, tokens, throttle, logger, publicUrl } = deps;
  const { jobs, mailer } = deps.background;

  return {
    /** Whether mails go out at all. */
    isOn: mailer.isConfigured,

    /**
     * Asks for a mail, in the same time whether or not there is somebody with this address.
     * @throws AppError `too_many_mails`, `unavailable`
     */
    async request(kind: AccountMailKind, email: string, { origin, language }: MailRequest): Promise<void> {
      const account = email.trim().toLowerCase();
      await throttle.count(kind, account, origin.ip);
      if (mailer.isConfigured) await jobs.enqueue('send_account_mail', { kind, email: account, language });
      else logger.warn({ kind }, 'an e-mail was asked for, and SMTP_URL is not set');
    },

    /**
     * For whoever has just registered. That goes on without it: the mail can be asked for again.
     */
    async welcome(email: string, { language }: MailRequest): Promise<void> {
      if (!mailer.isConfigured) return;
      try {
        await jobs.enqueue('send_account_mail', { kind: 'verify_email', email, language });
      } catch (error) {
        logger.warn({ err: error }, 'a new user gets no e-mail to verify the address');
      }
    },

    /**
     * Makes a token and sends it. A repetition sends another one.
     * @returns whether there was somebody to send it to
     * @throws what `Mailer.send` throws
     */
    async send({ kind, email, language }: AccountMail): Promise<boolean> {
      const user = await users.findByEmail(email);
      if (user === null || !user.isActive || (kind === 'verify_email' && user.isVerified)) return false;
      const token = await tokens.issue({ userId: user.id, purpose: kind, lifetimeMs: LINK_LIFETIME_MS[kind] });
      const { subject, text } = MAIL_TEXTS[language][kind];
      await mailer.send({ to: user.email, subject, text: text(linkTo(publicUrl(), kind, token)) });
      return true;
    },
  };
}
