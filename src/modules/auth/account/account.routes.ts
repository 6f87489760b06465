import type { FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { userErrors } from '#modules/users/index.ts';
import { type HttpRoutes, originOf, principalOf } from '#platform/http/http.port.ts';
import { authErrors } from '../auth.errors.ts';
import { accountErrors } from './account.errors.ts';
import { createPage } from './account.pages.ts';
import { Accepted, ForgotBody, ResetBody, TokenBody } from './account.schemas.ts';
import type { AccountService } from './account.service.ts';
import type { MailRequest } from './account-mail.service.ts';
import { languageOf } from './language.ts';

const tags = ['auth'];
const accepted = { status: 'accepted' } as const;

/** `/api/v1/auth` */
export function createAccountRoutes(account: AccountService): HttpRoutes {
  return (app) => {
    app.post(
      '/verify-email',
      {
        config: { access: 'public', problems: [accountErrors.token_invalid] },
        schema: {
          tags,
          operationId: 'verifyEmail',
          summary: 'Verify an e-mail address',
          description:
            'With the token of the mail that registering sends, good once and for 24 hours; sets `is_verified`. ' +
            '422 `token_invalid` for one that was used, has expired, or never was.',
          body: TokenBody,
          response: { 204: Type.Null({ description: 'Verified' }) },
        },
      },
      async (request, reply) => {
        await account.verifyEmail(request.body.token, originOf(request));
        return reply.code(204).send(null);
      },
    );

    app.post(
      '/verify-email/resend',
      {
        config: {
          access: 'bearer',
          problems: [accountErrors.email_already_verified, accountErrors.email_off, accountErrors.too_many_mails],
        },
        schema: {
          tags,
          operationId: 'resendVerificationEmail',
          summary: 'Send the mail to verify my e-mail address again',
          description:
            'In the language of `Accept-Language`, English or Korean. 409 `email_already_verified`, or `email_off` where ' +
            'no e-mail is sent. At most 5 an hour: 429 with `Retry-After`.',
          response: { 202: Accepted },
        },
      },
      async (request, reply) => {
        await account.resend(principalOf(request).userId, mailRequestOf(request));
        reply.code(202);
        return accepted;
      },
    );

    app.post(
      '/password/forgot',
      {
        config: { access: 'public', problems: [accountErrors.too_many_mails] },
        schema: {
          tags,
          operationId: 'requestPasswordReset',
          summary: 'Ask for a new password',
          description:
            'Sends a mail with a token, good once and for an hour, in the language of `Accept-Language`, English or ' +
            'Korean. The answer is the same, in the same time, whether or not somebody has this address. At most 5 an ' +
            'hour for an address and a client, 10 for an address, 20 for a client: 429 with `Retry-After`.',
          body: ForgotBody,
          response: { 202: Accepted },
        },
      },
      async (request, reply) => {
        await account.forgotPassword(request.body.email, mailRequestOf(request));
        reply.code(202);
        return accepted;
      },
    );

    app.post(
      '/password/reset',
      {
        config: {
          access: 'public',
          problems: [accountErrors.token_invalid, authErrors.account_inactive, userErrors.password_checks_busy],
        },
        schema: {
          tags,
          operationId: 'resetPassword',
          summary: 'Choose a new password',
          description:
            'With the token of the mail. Ends every session of the user and voids all other such tokens; the e-mail ' +
            'address is verified by it too. 422 `token_invalid` for a token that was used, has expired, or never was; ' +
            '403 `account_inactive` for a deactivated user.',
          body: ResetBody,
          response: { 202: Accepted },
        },
      },
      async (request, reply) => {
        const { token, new_password: password } = request.body;
        await account.resetPassword(token, password, originOf(request));
        reply.code(202);
        return accepted;
      },
    );
  };
}

/** `/auth`: where the links in mails lead. A front-end may put pages of its own at the same addresses. */
export function createAccountPageRoutes(): HttpRoutes {
  return (app) => {
    const pages = [
      ['/verify-email', 'verify_email'],
      ['/reset-password', 'reset_password'],
    ] as const;
    for (const [path, kind] of pages) {
      app.get(path, { config: { access: 'public' }, schema: { hide: true } }, async (request, reply) => {
        const { html, headers } = createPage(kind, languageOf(request.headers['accept-language']));
        return await reply.headers(headers).send(html);
      });
    }
  };
}

/** Who asks for a mail, and in which language. */
export function mailRequestOf(request: Pick<FastifyRequest, 'ip' | 'id' | 'headers'>): MailRequest {
  return { origin: originOf(request), language: languageOf(request.headers['accept-language']) };
}
