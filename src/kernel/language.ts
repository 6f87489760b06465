/** What mails and pages of ours are written in. */
export const LANGUAGES = ['en', 'ko'] as const;
export type Language = (typeof LANGUAGES)[number];

/**
 * The language that a browser prefers of those that we have, by its `Accept-Language` (RFC 9110 section 12.5.4): the
 * one of the greater weight, of equal weights the one that is named first; null when it names neither.
 */
export function preferredLanguage(header: string | undefined): Language | null {
  let best: { readonly language: Language | null; readonly weight: number } = { language: null, weight: 0 };
  for (const range of (header ?? '').slice(0, 500).split(',')) {
    const [matched, tag, q = '1'] = RANGE.exec(range) ?? [];
    const weight = matched === undefined ? 0 : Number(q);
    if (weight > best.weight) best = { language: tag?.toLowerCase() === 'ko' ? 'ko' : 'en', weight };
  }
  return best.language;
}

/** `ko`, `ko-KR;q=0.8` */
const RANGE = /^\s*(ko|en)(?:-[a-z0-9-]+)?\s*(?:;\s*q=([01](?:\.\d{0,3})?)\s*)?$/i;
