import { useLanguage } from './language.tsx';

/** Texts of one part of the console, in every language; `{name}` in a text is filled in. */
export interface Texts<Key extends string> {
  readonly en: Readonly<Record<Key, string>>;
  readonly ko: Readonly<Record<Key, string>>;
}

/** A key that a language lacks does not compile. `key_one` is taken for a `count` of 1 where there is one. */
export function defineTexts<const English extends Readonly<Record<string, string>>>(texts: {
  readonly en: English;
  readonly ko: Readonly<Record<keyof English, string>>;
}): Texts<keyof English & string> {
  return texts as Texts<keyof English & string>;
}

export type Values = Readonly<Record<string, string | number>>;

export type Translate<Key extends string> = (key: Key, values?: Values) => string;

function translate<Key extends string>(texts: Texts<Key>, language: 'en' | 'ko', key: Key, values?: Values): string {
  const table: Readonly<Record<string, string>> = texts[language];
  const text = (values?.['count'] === 1 ? table[`${key}_one`] : undefined) ?? table[key] ?? key;
  if (values === undefined) return text;
  const numbers = new Intl.NumberFormat(language);
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = values[name];
    if (value === undefined) return whole;
    return typeof value === 'number' ? numbers.format(value) : value;
  });
}

/** `const t = useTexts(texts); t('saved', { name })` */
export function useTexts<Key extends string>(texts: Texts<Key>): Translate<Key> {
  const { language } = useLanguage();
  return (key, values) => translate(texts, language, key, values);
}
