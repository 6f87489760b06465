import type { Language } from '#kernel/language.ts';
import type { MailText, SummaryItem } from './summaries.ports.ts';

/** What is put around what is told. */
const TEXTS = {
  en: {
    locale: 'en-GB',
    time: 'Time:',
    several: (about: string, count: number) => `${about}: ${count} messages`,
    more: (count: number) => `… and ${count} more.`,
    why: 'More about the same is summed up: one e-mail in five minutes at the most.',
    unverified: {
      title: 'Alerts do not reach you by e-mail',
      message:
        'Your e-mail address has not been verified. Follow the link in the mail of the registration, or ask for another.',
    },
  },
  ko: {
    locale: 'ko-KR',
    time: '시각:',
    several: (about: string, count: number) => `${about}: 알림 ${count}건`,
    more: (count: number) => `… 외 ${count}건`,
    why: '같은 내용의 알림은 모아서 보냅니다. 메일은 5분에 한 통을 넘지 않습니다.',
    unverified: {
      title: '알림 메일을 보낼 수 없습니다',
      message:
        '이메일 주소가 아직 확인되지 않았습니다. 가입할 때 받은 메일의 링크를 열거나 확인 메일을 다시 요청해 주세요.',
    },
  },
} as const;

/** Beside what a user is told on the web and would have got by e-mail, too. */
export const NO_EMAIL = 'You get no e-mail: your address has not been verified.';

/** What a user is told once who gets no e-mail, for nobody knows whether the address is the user's. */
export const unverifiedNotice = (language: Language) => TEXTS[language].unverified;

export function itemText(
  language: Language,
  {
    text,
    at,
    link,
    timeZone,
  }: { readonly text: string; readonly at: number; readonly link: string; readonly timeZone: string },
): string {
  const { locale, time } = TEXTS[language];
  const format = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'long', timeZone });
  return `${text}\n${time} ${format.format(at)}\n${link}`;
}

/** The whole e-mail. */
export function summaryText(language: Language, items: readonly SummaryItem[], more: number): MailText {
  const [first] = items;
  const { several, more: andMore, why } = TEXTS[language];
  const count = items.length + more;
  const parts = [...items.map(({ text }) => text), ...(more === 0 ? [] : [andMore(more)]), why];
  return {
    subject: count === 1 ? (first?.subject ?? '') : several(first?.about ?? '', count),
    text: `${parts.join('\n\n')}\n`,
  };
}
