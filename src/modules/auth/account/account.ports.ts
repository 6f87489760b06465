/** What our own mails and pages are written in. */
export type Language = 'en' | 'ko';

/** Mails with a single-use token. */
export type AccountMailKind = 'verify_email' | 'reset_password';

/** Says how often mails may be asked for. */
export interface MailThrottle {
  /**
   * Counts one more mail to `account`, asked for from `address`.
   * @throws AppError `too_many_mails`; `unavailable` while the counters are away
   */
  count(kind: AccountMailKind, account: string, address: string): Promise<void>;
}
