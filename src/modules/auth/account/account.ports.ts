/** Mails with a single-use token. */
export const ACCOUNT_MAIL_KINDS = ['verify_email', 'reset_password'] as const;
export type AccountMailKind = (typeof ACCOUNT_MAIL_KINDS)[number];

/** Says how often mails may be asked for. */
export interface MailThrottle {
  /**
   * Counts one more mail to `account`, asked for from `address`.
   * @throws AppError `too_many_mails`; `unavailable` while the counters are away
   */
  count(kind: AccountMailKind, account: string, address: string): Promise<void>;
}
