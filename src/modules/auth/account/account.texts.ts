import type { Language } from '#kernel/language.ts';
import type { AccountMailKind } from './account.ports.ts';

export const LINK_LIFETIME_MS: Readonly<Record<AccountMailKind, number>> = {
  verify_email: 24 * 3_600_000,
  reset_password: 3_600_000,
};

/** In the fragment, which no server and no log sees. */
const PAGES: Readonly<Record<AccountMailKind, string>> = {
  verify_email: '/auth/verify-email#token=',
  reset_password: '/auth/reset-password#token=',
};

/** Where a person goes with a token, from a mail or from whoever hands it over. */
export function linkTo(publicUrl: string, kind: AccountMailKind, token: string): string {
  return `${publicUrl}${PAGES[kind]}${token}`;
}

interface MailText {
  readonly subject: string;
  readonly text: (link: string) => string;
}

/**
 * Nothing that somebody typed is in them, or anybody could send their own words to others in our name: whoever
 * registers or forgets a password names the address.
 */
export const MAIL_TEXTS: Readonly<Record<Language, Readonly<Record<AccountMailKind, MailText>>>> = {
  en: {
    verify_email: {
      subject: 'Confirm your e-mail address',
      text: (link) => `Please confirm that this is your e-mail address:

${link}

The link is good for 24 hours. If you did not sign up, do nothing: the address will not be confirmed.
`,
    },
    reset_password: {
      subject: 'Choose a new password',
      text: (link) => `Somebody asked for a new password for your account. To choose one:

${link}

The link is good once, for one hour. If it was not you, do nothing: your password stays as it is.
`,
    },
  },
  ko: {
    verify_email: {
      subject: '이메일 주소를 확인해 주세요',
      text: (link) => `본인의 이메일 주소가 맞는지 아래 링크에서 확인해 주세요.

${link}

이 링크는 24시간 동안 유효합니다. 가입하신 적이 없다면 아무것도 하지 마세요. 주소는 확인되지 않습니다.
`,
    },
    reset_password: {
      subject: '새 비밀번호를 정해 주세요',
      text: (link) => `계정의 새 비밀번호를 요청하셨습니다. 아래 링크에서 정해 주세요.

${link}

이 링크는 한 시간 동안 한 번만 쓸 수 있습니다. 요청하신 적이 없다면 아무것도 하지 마세요. 비밀번호는 그대로입니다.
`,
    },
  },
};
