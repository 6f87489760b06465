import { navigationTexts } from '#console/app/navigation.ts';
import { PageHeader } from '#console/components/page-header.tsx';
import { useTexts } from '#console/i18n/texts.ts';

export function OverviewPage() {
  const t = useTexts(navigationTexts);
  return <PageHeader title={t('overview')} />;
}
