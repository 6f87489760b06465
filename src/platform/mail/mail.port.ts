import type { Component } from '#kernel/lifecycle.ts';

/** One e-mail to one address. */
export interface MailMessage {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  /** Absent: text only. */
  readonly html?: string;
}

/**
 * Sends e-mail. Modules do not call it: they enqueue the job `send_email`, which repeats what fails. But for auth,
 * whose mails hold tokens that no queue may keep.
 */
export interface Mailer extends Component {
  /** False: no server is configured (SMTP_URL), `send` rejects with `mail_not_configured` (conflict). */
  readonly isConfigured: boolean;
  /**
   * Resolves when the server has taken it. A repetition may reach the recipient twice.
   * @throws AppError `unavailable` when it may be repeated; `invalid` when the server refuses this message for good
   */
  send(message: MailMessage): Promise<void>;
  /** Connects and logs in. @throws AppError `unavailable`; `conflict` when no server is configured */
  ping(): Promise<void>;
}
