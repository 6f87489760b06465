import { Anchor, Button, Group, Loader, SegmentedControl, Stack, Table, Text, VisuallyHidden } from '@mantine/core';
import { keepPreviousData, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { api, client } from '#console/api/client.ts';
import { useLive } from '#console/api/live.ts';
import type { components } from '#console/api/schema.d.ts';
import { Pages } from '#console/components/pages.tsx';
import { Empty, Failure } from '#console/components/states.tsx';
import { StatusBadge } from '#console/components/status-badge.tsx';
import { failed, succeeded } from '#console/components/toast.ts';
import { WideTable } from '#console/components/wide-table.tsx';
import { Instant } from '#console/i18n/format.tsx';
import { useApiWords } from '#console/i18n/language.tsx';
import { defineTexts, useTexts } from '#console/i18n/texts.ts';
import { useUser } from '#console/session/session.ts';
import { type Device, mayControl } from './device.data.ts';

const texts = defineTexts({
  en: {
    title: 'Alerts',
    which: 'Which alerts',
    all: 'All',
    ACTIVE: 'Active',
    CLEARED: 'Cleared',
    severity: 'Severity',
    status: 'Status',
    message: 'What happened',
    started: 'Since',
    ended: 'Ended',
    times: 'Samples',
    acknowledge: 'Acknowledge',
    acknowledged: 'Acknowledged',
    noted: 'The alert was acknowledged.',
    empty: 'No alerts',
    empty_text: 'When a rule finds something wrong with this device, it is listed here.',
    page: 'Page',
    loading: 'Loading…',
  },
  ko: {
    title: '경보',
    which: '표시할 경보',
    all: '전체',
    ACTIVE: '발생 중',
    CLEARED: '해제됨',
    severity: '심각도',
    status: '상태',
    message: '내용',
    started: '발생 시각',
    ended: '해제 시각',
    times: '샘플 수',
    acknowledge: '확인',
    acknowledged: '확인됨',
    noted: '경보를 확인했습니다.',
    empty: '경보가 없습니다',
    empty_text: '규칙이 이 디바이스의 이상을 발견하면 여기에 표시합니다.',
    page: '페이지',
    loading: '불러오는 중…',
  },
});

const PATH = '/api/v1/monitoring/alerts';
const WHICH = ['all', 'ACTIVE', 'CLEARED'] as const;

/** What the rules have found wrong with this device, live. */
export function AlertsTab({ device }: { readonly device: Device }) {
  const t = useTexts(texts);
  const cache = useQueryClient();
  const [page, setPage] = useState(1);
  const [which, setWhich] = useState<(typeof WHICH)[number]>('all');
  const query = {
    device_id: [device.id],
    is_acknowledged: 'all' as const,
    sort: '-started_at',
    page,
    size: 20,
    ...(which === 'all' ? {} : { status: [which] }),
  };
  const { data, error, refetch } = api.useQuery(
    'get',
    PATH,
    { params: { query } },
    { placeholderData: keepPreviousData },
  );
  const refresh = () => void cache.invalidateQueries({ queryKey: ['get', PATH] });
  useLive({ device_uid: device.device_uid }, 'alert', refresh, refresh);
  return (
    <Stack>
      <SegmentedControl
        size="xs"
        aria-label={t('which')}
        value={which}
        onChange={(next) => {
          setWhich(next as typeof which);
          setPage(1);
        }}
        data={WHICH.map((value) => ({ value, label: t(value) }))}
        style={{ alignSelf: 'flex-start' }}
      />
      {error && <Failure error={error} onRetry={() => void refetch()} />}
      {data === undefined && !error && <Loader aria-label={t('loading')} />}
      {data?.total === 0 && <Empty title={t('empty')} text={t('empty_text')} />}
      {data !== undefined && data.total > 0 && <Rows alerts={data.items} device={device} onChanged={refresh} />}
      {data !== undefined && data.pages > 1 && <Pages total={data.pages} value={page} onChange={setPage} />}
    </Stack>
  );
}

function Rows({ alerts, device, onChanged }: RowsProps) {
  const { sentenceText } = useApiWords();
  const t = useTexts(texts);
  const mayAcknowledge = mayControl(useUser(), device);
  const acknowledge = async (id: number) => {
    const { error } = await client.POST('/api/v1/monitoring/alerts/{alert_id}/acknowledge', {
      params: { path: { alert_id: id } },
    });
    error === undefined ? succeeded(t('noted')) : failed(error);
    onChanged();
  };
  return (
    <WideTable label={t('title')} minWidth={820}>
      <Table.Thead>
        <Table.Tr>
          <Table.Th>{t('severity')}</Table.Th>
          <Table.Th>{t('status')}</Table.Th>
          <Table.Th>{t('message')}</Table.Th>
          <Table.Th>{t('started')}</Table.Th>
          <Table.Th>{t('ended')}</Table.Th>
          <Table.Th>{t('times')}</Table.Th>
          <Table.Th>
            <VisuallyHidden>{t('acknowledge')}</VisuallyHidden>
          </Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {alerts.map((alert) => (
          <Table.Tr key={alert.id}>
            <Table.Td>
              <StatusBadge status={alert.severity} />
            </Table.Td>
            <Table.Td>
              <StatusBadge status={alert.status} />
            </Table.Td>
            <Table.Td maw={360}>
              <Anchor component={Link} to="/alerts" search={{ alert: alert.id } as never} size="sm" lineClamp={2}>
                {alert.rule_name}
              </Anchor>
              <Text size="sm" lineClamp={3}>
                {sentenceText(alert.message)}
              </Text>
            </Table.Td>
            <Table.Td>
              <Instant at={alert.started_at} ago />
            </Table.Td>
            <Table.Td>
              <Instant at={alert.cleared_at} ago />
            </Table.Td>
            <Table.Td>{alert.occurrences}</Table.Td>
            <Table.Td>
              <Group justify="flex-end">
                {alert.is_acknowledged && (
                  <Text size="xs" c="dimmed">
                    {t('acknowledged')}
                  </Text>
                )}
                {!alert.is_acknowledged && mayAcknowledge && (
                  <Button size="compact-sm" variant="default" onClick={() => void acknowledge(alert.id)}>
                    {t('acknowledge')}
                  </Button>
                )}
              </Group>
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </WideTable>
  );
}

interface RowsProps {
  readonly alerts: readonly components['schemas']['Alert'][];
  readonly device: Device;
  readonly onChanged: () => void;
}
