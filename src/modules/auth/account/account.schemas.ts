import { Type } from 'typebox';
import { PASSWORD_LENGTH } from '#modules/users/index.ts';
import { Strict } from '#platform/http/http.schemas.ts';
import { Email } from '../auth.schemas.ts';

const Token = Type.String({
  minLength: 1,
  maxLength: 128,
  description: 'The token of the mail; good once',
  examples: ['pYbY3ZqE0dXnBf0m1mYkq3v0Jb1x2xkq8rj0w2yYxkE'],
});

export const TokenBody = Strict('EmailVerification', { token: Token });

export const ForgotBody = Strict('PasswordResetRequest', { email: Email });

export const ResetBody = Strict('PasswordReset', {
  token: Token,
  new_password: Type.String({ ...PASSWORD_LENGTH, description: 'The new password', examples: ['correct horse'] }),
});

export const Accepted = Strict('Accepted', {
  status: Type.Literal('accepted', { description: 'It was taken; whether a mail goes out is not said' }),
});
