import { defineTexts } from '#console/i18n/texts.ts';

export const signInTexts = defineTexts({
  en: {
    title: 'Sign in to core-api',
    email: 'E-mail',
    password: 'Password',
    sign_in: 'Sign in',
    with: 'Sign in with {provider}',
    or: 'or',
  },
  ko: {
    title: 'core-api 로그인',
    email: '이메일',
    password: '비밀번호',
    sign_in: '로그인',
    with: '{provider} 계정으로 로그인',
    or: '또는',
  },
});
