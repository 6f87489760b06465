import { Button } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import { client } from '#console/api/client.ts';
import { UserName } from '#console/components/record-name.tsx';
import { useDialog } from '#console/components/use-dialog.ts';
import { useTexts } from '#console/i18n/texts.ts';
import { instantColumn } from '#console/records/columns.tsx';
import { fieldTexts } from '#console/records/field.texts.ts';
import { RecordsPage } from '#console/records/records.page.tsx';
import type { Records } from '#console/records/records.types.ts';
import { isAtLeast, useUser } from '#console/session/session.ts';
import { dashboardTexts } from './dashboards.texts.ts';
import { NewDashboard } from './new-dashboard.tsx';

export function DashboardsPage() {
  const t = useTexts(dashboardTexts);
  const field = useTexts(fieldTexts);
  const { role } = useUser();
  const [isMaking, making] = useDialog('new');
  const make = (
    <Button leftSection={<IconPlus size={16} />} onClick={making.open}>
      {t('new')}
    </Button>
  );
  const records: Records<'/api/v1/dashboards'> = {
    name: 'dashboards',
    path: '/api/v1/dashboards',
    title: t('title'),
    sort: 'name',
    keyOf: ({ id }) => id,
    nameOf: ({ name }) => name,
    hrefOf: ({ id }) => `/dashboards/${id}`,
    columns: [
      { key: 'name', label: field('name'), sortable: true },
      { key: 'shared', label: t('shared'), render: ({ shared }) => t(`share_${shared}`) },
      { key: 'owner_id', label: field('owner'), render: ({ owner_id }) => <UserName id={owner_id} /> },
      { key: 'widget_count', label: t('widgets') },
      instantColumn('updated_at', field('updated'), { ago: true }),
    ],
    filters: [
      {
        key: 'shared',
        label: t('shared'),
        several: true,
        options: (['private', 'management', 'all'] as const).map((value) => ({ value, label: t(`share_${value}`) })),
      },
      ...(isAtLeast(role, 'MANAGER') ? [{ key: 'owner_id', label: field('owner'), kind: 'person' } as const] : []),
    ],
    bulk: [
      {
        key: 'delete',
        label: t('delete'),
        color: 'red',
        least: 'USER',
        run: ({ id }) => client.DELETE('/api/v1/dashboards/{dashboard_id}', { params: { path: { dashboard_id: id } } }),
      },
    ],
    actions: make,
    empty: { title: t('empty'), text: t('empty_text'), action: make },
  };
  return (
    <>
      <RecordsPage records={records} />
      <NewDashboard opened={isMaking} onClose={making.close} />
    </>
  );
}
