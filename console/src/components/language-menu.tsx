import { SegmentedControl } from '@mantine/core';
import { useLanguage } from '#console/i18n/language.tsx';

/** Each language by its own name. */
export function LanguageMenu() {
  const { language, choose } = useLanguage();
  return (
    <SegmentedControl
      size="xs"
      aria-label="Language / 언어"
      value={language}
      onChange={(next) => choose(next as 'en' | 'ko')}
      data={[
        { value: 'en', label: 'English' },
        { value: 'ko', label: '한국어' },
      ]}
    />
  );
}
