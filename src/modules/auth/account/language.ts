import { type Language, preferredLanguage } from '#kernel/language.ts';

/** The language that a browser prefers of those that we have; English when it names neither. */
export function languageOf(header: string | undefined): Language {
  return preferredLanguage(header) ?? 'en';
}
