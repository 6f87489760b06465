import { Type } from 'typebox';
import { Strict } from '#platform/http/http.schemas.ts';
import { Email, FullName, NewPassword } from '../auth.schemas.ts';

export const SetupView = Strict('SetupState', {
  needed: Type.Boolean({ description: 'Whether there never was a user here', examples: [false] }),
  registration_open: Type.Boolean({ description: 'Whether people may register themselves', examples: [true] }),
  sends_email: Type.Boolean({
    description: 'Whether e-mail is sent, with links to a new password too',
    examples: [true],
  }),
});

export const SetupBody = Strict('Setup', {
  code: Type.String({
    minLength: 1,
    maxLength: 64,
    description: 'The code that the server printed when it started',
    examples: ['MFRG-GZDF-MZTW-Q2LK'],
  }),
  email: Email,
  password: NewPassword,
  full_name: FullName,
});
