import type { RequestOrigin } from '#kernel/access.ts';
import type { UsersApi } from '#modules/users/index.ts';
import type { RefusalTrail } from '#platform/audit/audit.port.ts';
import { authErrors } from '../auth.errors.ts';
import type { KnownNetworksService } from '../known-networks/known-networks.service.ts';
import type { SingleUseTokens } from '../single-use/single-use.service.ts';
import { accountErrors } from './account.errors.ts';
import type { AccountMailService, MailRequest } from './account-mail.service.ts';

export interface AccountServiceDeps {
  readonly users: UsersApi;
  readonly tokens: SingleUseTokens;
  readonly mail: AccountMailService;
  /** Asking for a new password is what anybody can do as often as they like. */
  readonly trail: RefusalTrail;
  readonly networks: Pick<KnownNetworksService, 'note'>;
}

export type AccountService = ReturnType<typeof createAccountService>;

/** Proving an e-mail address, and a new password for whoever has forgotten the old one. */
export function createAccountService({ users, tokens, mail, trail, networks }: AccountServiceDeps) {
  return {
    /** @throws AppError `token_invalid` */
    async verifyEmail(token: string, origin: RequestOrigin): Promise<void> {
      const link = await tokens.find(token, 'verify_email');
      if (link === null || !(await users.markVerified({ userId: link.userId, linkId: link.id }, origin))) {
        throw accountErrors.token_invalid();
      }
    },

    /** @throws AppError `email_already_verified`, `email_off`, `too_many_mails`, `unavailable` */
    async resend(userId: number, request: MailRequest): Promise<void> {
      const user = await users.findById(userId);
      if (user?.isVerified === true) throw accountErrors.email_already_verified();
      if (!mail.isOn) throw accountErrors.email_off();
      if (user !== null) await mail.request('verify_email', user.email, request);
    },

    /**
     * The same, in the same time, whether or not somebody has this address: it is looked up when the mail is made.
     * @throws AppError `too_many_mails`, `unavailable`
     */
    async forgotPassword(email: string, request: MailRequest): Promise<void> {
      await mail.request('reset_password', email, request);
      await trail.record({
        actor: null,
        origin: request.origin,
        action: 'auth.password_reset_requested',
        resourceType: 'user',
        resourceId: null,
        details: { email: email.trim().toLowerCase() },
      });
    },

    /**
     * Ends every session and every other way to a new password. The mail was read, so the address is proven too.
     * @throws AppError `token_invalid`, `account_inactive`, `invalid_input`, `password_checks_busy`
     */
    async resetPassword(token: string, password: string, origin: RequestOrigin): Promise<void> {
      const link = await tokens.find(token, 'reset_password');
      const access = link === null ? null : await users.findAccess(link.userId);
      if (link === null || access === null) throw accountErrors.token_invalid();
      if (!access.isActive) throw authErrors.account_inactive();
      const isDone = await users.resetPassword({ userId: link.userId, linkId: link.id }, password, origin);
      if (!isDone) throw accountErrors.token_invalid();
      // Whoever reads the mail is let in, however many strangers are guessing meanwhile.
      await networks.note(link.userId, origin.ip);
    },
  };
}
