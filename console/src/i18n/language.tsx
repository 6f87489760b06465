import { createContext, type ReactNode, use, useCallback, useEffect, useMemo, useState } from 'react';
import {
  type Language,
  notificationText,
  problemTitle,
  sentenceText,
  speak,
  type ValueKind,
  valueText,
} from './api-words.ts';

export type { Language } from './api-words.ts';

const KEY = 'core-api.language';

interface LanguageChoice {
  readonly language: Language;
  choose(language: Language): void;
}

const Context = createContext<LanguageChoice>({ language: 'en', choose() {} });

function firstLanguage(): Language {
  const stored = localStorage.getItem(KEY);
  if (stored === 'en' || stored === 'ko') return stored;
  return navigator.languages.find((each) => /^(en|ko)\b/.test(each))?.startsWith('ko') ? 'ko' : 'en';
}

/** The browser's language, until somebody chooses another. */
export function LanguageProvider({ children }: { readonly children: ReactNode }) {
  const [language, setLanguage] = useState<Language | null>(null);
  const show = useCallback(
    (next: Language) =>
      void speak(next).then(
        () => setLanguage(next),
        () => setLanguage('en'),
      ),
    [],
  );
  useEffect(() => show(firstLanguage()), [show]);
  useEffect(() => {
    if (language !== null) document.documentElement.lang = language;
  }, [language]);
  const choice = useMemo(
    () => ({
      language: language ?? 'en',
      choose(next: Language) {
        localStorage.setItem(KEY, next);
        show(next);
      },
    }),
    [language, show],
  );
  return language === null ? null : <Context value={choice}>{children}</Context>;
}

export const useLanguage = (): LanguageChoice => use(Context);

/** What the API says, in words of the language. */
export function useApiWords() {
  useLanguage();
  const choices = (kind: ValueKind, values: readonly string[]) =>
    values.map((value) => ({ value, label: valueText(kind, value) }));
  return { valueText, sentenceText, notificationText, problemTitle, choices };
}
