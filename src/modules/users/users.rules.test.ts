import { expect, test } from 'vitest';
import { assertPassword } from './users.rules.ts';

const EMAIL = 'kim.minji@example.com';
const refuses = (password: string, message: RegExp) =>
  expect(() => assertPassword(password, EMAIL, '/new_password'), password).toThrow(
    expect.objectContaining({
      code: 'invalid_input',
      details: { fields: [{ path: '/new_password', message: expect.stringMatching(message) }] },
    }),
  );

test('8 to 128 characters, whatever they are made of', () => {
  for (const password of ['correct horse', 'x'.repeat(9), '🐎'.repeat(8), '비밀번호여덟글자']) {
    expect(() => assertPassword(password, EMAIL, '/password')).not.toThrow();
  }
  for (const password of ['', '1234567', '🐎'.repeat(7), 'x'.repeat(129)]) refuses(password, /8 to 128/);
});

test('not one of the commonest, in whatever case', () => {
  for (const password of ['12345678', 'password', 'PassWord1', 'qwertyuiop', ' iloveyou ', 'P@ssw0rd', '11111111']) {
    refuses(password, /commonest/);
  }
});

test('not the e-mail address, nor what stands before the @', () => {
  for (const password of [EMAIL, EMAIL.toUpperCase(), 'kim.minji', 'Kim.Minji']) refuses(password, /e-mail/);
  expect(() => assertPassword('kim.minji and more', EMAIL, '/password')).not.toThrow();
});
