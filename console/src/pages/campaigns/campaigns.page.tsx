import { Button } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { useApiWords } from '#console/i18n/language.tsx';
import { useTexts } from '#console/i18n/texts.ts';
import { instantColumn, statusColumn } from '#console/records/columns.tsx';
import { fieldTexts } from '#console/records/field.texts.ts';
import { RecordsPage } from '#console/records/records.page.tsx';
import type { Records } from '#console/records/records.types.ts';
import type { Stage } from './campaign.data.ts';
import { campaignTexts } from './campaigns.texts.ts';

const STATES = ['DRAFT', 'SCHEDULED', 'RUNNING', 'PAUSED', 'COMPLETED', 'ABORTED'];

export function CampaignsPage() {
  const t = useTexts(campaignTexts);
  const field = useTexts(fieldTexts);
  const { choices } = useApiWords();
  const plan = (
    <Button component={Link} to="/campaigns/new" leftSection={<IconPlus size={16} />}>
      {t('new')}
    </Button>
  );
  const records: Records<'/api/v1/campaigns'> = {
    name: 'campaigns',
    path: '/api/v1/campaigns',
    title: t('title'),
    sort: '-created_at',
    refreshMs: 5_000,
    keyOf: ({ id }) => id,
    nameOf: ({ name }) => name,
    hrefOf: ({ id }) => `/campaigns/${id}`,
    columns: [
      { key: 'name', label: field('name'), sortable: true },
      statusColumn('status', field('status')),
      { key: 'version', label: field('version') },
      {
        key: 'stage',
        label: t('stage'),
        render: ({ stage, stages }) => t('stage_of', { stage: stage + 1, count: (stages as readonly Stage[]).length }),
      },
      instantColumn('started_at', t('started'), { ago: true }),
      instantColumn('created_at', field('created'), { optional: true }),
      instantColumn('ended_at', t('ended'), { optional: true, sortable: false }),
    ],
    filters: [
      {
        key: 'status',
        label: field('status'),
        several: true,
        options: choices('status', STATES),
      },
    ],
    actions: plan,
    empty: { title: t('empty'), text: t('empty_text'), action: plan },
  };
  return <RecordsPage records={records} />;
}
