import { Type } from 'typebox';
import { Strict } from '#platform/http/http.schemas.ts';

const Code = (description: string) => Type.String({ minLength: 1, maxLength: 32, description, examples: ['492039'] });

export const EnrolmentView = Strict('SecondFactorEnrolment', {
  secret: Type.String({
    description: 'For an authenticator app, base32; shown only now',
    examples: ['JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP'],
  }),
  otpauth_url: Type.String({
    description: 'The same as an address, for a QR code',
    examples: [
      'otpauth://totp/core-api:kim%40example.com?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=core-api&algorithm=SHA1&digits=6&period=30',
    ],
  }),
});

export const ConfirmBody = Strict('SecondFactorConfirmation', { code: Code('The code that the app shows now') });

export const RecoveryCodes = Strict('RecoveryCodes', {
  recovery_codes: Type.Array(Type.String({ examples: ['MFRG-GZDF-MZTW-Q2LK'] }), {
    description: 'Each is good once in place of a code of the app; shown only now',
  }),
});

export const RemovalBody = Strict(
  'SecondFactorRemoval',
  {
    password: Type.Optional(
      Type.String({ minLength: 1, maxLength: 128, description: 'Your password', examples: ['correct horse'] }),
    ),
    code: Type.Optional(Code('A code of the app, or a recovery code')),
  },
  { minProperties: 1, maxProperties: 1 },
);

export const SecondLoginBody = Strict('SecondLogin', {
  ticket: Type.String({
    minLength: 1,
    maxLength: 128,
    description: 'Of the problem `second_factor_required`; good once, for five minutes',
    examples: ['pYbY3ZqE0dXnBf0m1mYkq3v0Jb1x2xkq8rj0w2yYxkE'],
  }),
  code: Code('A code of the app, or a recovery code'),
});
