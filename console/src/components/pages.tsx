import { Pagination } from '@mantine/core';
import { defineTexts, useTexts } from '#console/i18n/texts.ts';

const texts = defineTexts({
  en: { page: 'Page {page}', first: 'First page', previous: 'Previous page', next: 'Next page', last: 'Last page' },
  ko: { page: '{page}페이지', first: '첫 페이지', previous: '이전 페이지', next: '다음 페이지', last: '마지막 페이지' },
});

/** Leads from one page of a list to another. */
export function Pages({ total, value, onChange }: PagesProps) {
  const t = useTexts(texts);
  const controls = { first: t('first'), previous: t('previous'), next: t('next'), last: t('last') };
  return (
    <Pagination
      size="sm"
      total={total}
      value={value}
      onChange={onChange}
      getControlProps={(control) => ({ 'aria-label': controls[control] })}
      getItemProps={(page) => ({ 'aria-label': t('page', { page }) })}
    />
  );
}

interface PagesProps {
  /** How many pages there are. */
  readonly total: number;
  /** The one that is shown, from 1. */
  readonly value: number;
  readonly onChange: (page: number) => void;
}
