import { createHash } from 'node:crypto';
import type { Language } from '#kernel/language.ts';
import type { AccountMailKind } from './account.ports.ts';

/** A page that a link in a mail leads to, and the headers that go with it. */
export interface Page {
  readonly html: string;
  readonly headers: Readonly<Record<string, string>>;
}

interface Words {
  readonly title: string;
  readonly lead: string;
  readonly button: string;
  readonly done: string;
  readonly invalid: string;
  readonly failed: string;
}

const WORDS: Readonly<Record<Language, Readonly<Record<AccountMailKind, Words>>>> = {
  en: {
    verify_email: {
      title: 'Confirm your e-mail address',
      lead: 'One click, and we know that this address is yours.',
      button: 'Confirm',
      done: 'Your e-mail address is confirmed. You can close this page.',
      invalid: 'This link was used already or has expired. Ask for a new one.',
      failed: 'That did not work. Please try again in a moment.',
    },
    reset_password: {
      title: 'Choose a new password',
      lead: '8 to 128 characters. You will be signed out everywhere.',
      button: 'Save',
      done: 'Your password is changed. You can sign in with it.',
      invalid: 'This link was used already or has expired. Ask for a new one.',
      failed: 'That did not work. Please try again in a moment.',
    },
  },
  ko: {
    verify_email: {
      title: '이메일 주소 확인',
      lead: '버튼을 누르면 본인의 주소로 확인됩니다.',
      button: '확인',
      done: '이메일 주소가 확인되었습니다. 이 페이지를 닫아도 됩니다.',
      invalid: '이미 사용했거나 만료된 링크입니다. 새로 요청해 주세요.',
      failed: '처리하지 못했습니다. 잠시 후 다시 시도해 주세요.',
    },
    reset_password: {
      title: '새 비밀번호',
      lead: '8~128자입니다. 모든 기기에서 로그아웃됩니다.',
      button: '저장',
      done: '비밀번호가 변경되었습니다. 새 비밀번호로 로그인하세요.',
      invalid: '이미 사용했거나 만료된 링크입니다. 새로 요청해 주세요.',
      failed: '처리하지 못했습니다. 잠시 후 다시 시도해 주세요.',
    },
  },
};

/** Relative, so that they hold behind a proxy that adds to the path. */
const ENDPOINTS: Readonly<Record<AccountMailKind, string>> = {
  verify_email: '../api/v1/auth/verify-email',
  reset_password: '../api/v1/auth/password/reset',
};

const STYLE =
  'body{font:16px/1.5 system-ui,sans-serif;max-width:26rem;margin:15vh auto;padding:0 1rem}' +
  'input,button{font:inherit;padding:.5rem;width:100%;box-sizing:border-box;margin:.5rem 0}';

/**
 * The token is in the fragment: no server, log or referrer sees it. Nothing happens before the click, or programs that
 * open the links of mails to look at them would use it up.
 */
const SCRIPT = `
const form = document.querySelector('form');
const say = (key) => { document.querySelector('p').textContent = form.dataset[key]; };
form.addEventListener('submit', async (event) => {
  event.preventDefault();
  const token = new URLSearchParams(location.hash.slice(1)).get('token') || '-';
  const password = form.elements.password;
  const body = JSON.stringify(password ? { token, new_password: password.value } : { token });
  const headers = { 'content-type': 'application/json' };
  try {
    const answer = await fetch(form.dataset.endpoint, { method: 'POST', headers, body });
    say(answer.ok ? 'done' : answer.status === 422 ? 'invalid' : 'failed');
    if (answer.ok) form.hidden = true;
  } catch {
    say('failed');
  }
});
`;

/** The page of a link for those who have no front-end of their own. It loads nothing and can be framed by nobody. */
export function createPage(kind: AccountMailKind, language: Language): Page {
  const { title, lead, button, ...messages } = WORDS[language][kind];
  const data = { ...messages, endpoint: ENDPOINTS[kind] };
  const attributes = Object.entries(data).map(([name, value]) => ` data-${name}="${value}"`);
  const input =
    kind === 'reset_password'
      ? '<input type="password" name="password" autocomplete="new-password" minlength="8" maxlength="128" required autofocus>'
      : '';
  const policy = [
    "default-src 'none'",
    `script-src ${hashOf(SCRIPT)}`,
    `style-src ${hashOf(STYLE)}`,
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ];
  return {
    html: `<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<title>${title}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>${title}</h1>
<p role="status">${lead}</p>
<form${attributes.join('')}>${input}<button>${button}</button></form>
<script>${SCRIPT}</script>
</body>
</html>
`,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      'content-security-policy': policy.join('; '),
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      vary: 'accept-language',
    },
  };
}

/** https://www.w3.org/TR/CSP3/#match-element-to-source-list */
function hashOf(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}
