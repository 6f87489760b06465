import { part } from '#console/app/part.ts';
import type { values } from './korean/korean.ts';

type Korean = typeof import('./korean/korean.ts');
export type Language = 'en' | 'ko';
/** What an API value is said of: a status, a role, the action of an entry of the audit trail. */
export type ValueKind = keyof typeof values;

/** Of the page that is shown. What the API says is English; its Korean is loaded by those who read Korean. */
const spoken: { language: Language; korean: Korean | undefined } = { language: 'en', korean: undefined };

/** Has to have come to its end before anything is shown in the language. */
export async function speak(language: Language): Promise<void> {
  if (language === 'ko') spoken.korean ??= await part(() => import('./korean/korean.ts'));
  spoken.language = language;
}

const korean = (): Korean | undefined => (spoken.language === 'ko' ? spoken.korean : undefined);

/** A value of the API as people read it. What is no value of that kind is shown as it is: devices may say anything. */
export function valueText(kind: ValueKind, value: string): string {
  const words: Readonly<Record<string, string>> | undefined = korean()?.values[kind];
  const word = words !== undefined && Object.hasOwn(words, value) ? words[value] : undefined;
  return word ?? (kind === 'status' ? value.replaceAll('_', ' ') : value);
}

/** A sentence of the API; one that it does not know, such as a device's own, stays as it is. */
export function sentenceText(sentence: string): string {
  return korean()?.sentenceInKorean(sentence) ?? sentence;
}

/** What somebody is told; only what the system itself tells has a Korean of its own. */
export function notificationText({ type, title, message }: Told): readonly [title: string, message: string] {
  return (type === 'alert' ? korean()?.alertInKorean(title, message) : undefined) ?? [title, message];
}

interface Told {
  readonly type: string;
  readonly title: string;
  readonly message: string;
}

/** What the API says of a field, which has a name of its own beside it. */
export function fieldText(message: string): string {
  return korean()?.fieldInKorean(message) ?? message;
}

/** The same where nothing else says which field it is. */
export function namedFieldText(field: string, message: string): string {
  const said = korean()?.fieldInKorean(message);
  return field === '' ? (said ?? message) : `${field}${said === undefined ? ' ' : ': '}${said ?? message}`;
}

/** What a problem says in general, and what it says beyond that. */
export function problemWords(code: string, detail: string): readonly [text: string, more: string | null] {
  const [english, said] = korean()?.problems[code] ?? [];
  if (said === undefined) return [sentenceText(detail), null];
  return [said, detail === english ? null : sentenceText(detail)];
}

/** What a problem is about, where its code is all that there is. */
export function problemTitle(code: string): string {
  return korean()?.problems[code]?.[1] ?? code;
}
