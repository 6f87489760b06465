import { Anchor, Group, Stack, Table, Text } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { api } from '#console/api/client.ts';
import { StatusBadge } from '#console/components/status-badge.tsx';
import { formatBytes } from '#console/i18n/format.tsx';
import { useApiWords, useLanguage } from '#console/i18n/language.tsx';
import { useTexts } from '#console/i18n/texts.ts';
import { FAST_MS, type Rates, SLOW_MS, type Totals } from './overview.data.ts';
import { overviewTexts } from './overview.texts.ts';
import { Panel } from './panel.tsx';

/** What waits, runs and has failed in the background. */
export function QueuesPanel() {
  const t = useTexts(overviewTexts);
  const { valueText } = useApiWords();
  const jobs = api.useQuery('get', '/api/v1/system/jobs', {}, { refetchInterval: FAST_MS });
  return (
    <Panel title={t('queues')} query={jobs}>
      <Table
        withRowBorders={false}
        verticalSpacing={2}
        horizontalSpacing={6}
        highlightOnHover={false}
        style={{ overflowWrap: 'normal' }}
      >
        <Table.Thead>
          <Table.Tr>
            <Table.Th ps={0}>{t('queue')}</Table.Th>
            <Table.Th ta="end">{t('waiting')}</Table.Th>
            <Table.Th ta="end">{t('running')}</Table.Th>
            <Table.Th ta="end" pe={0}>
              {t('failed')}
            </Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {Object.entries(jobs.data?.queues ?? {}).map(([name, { waiting, running, failed }]) => (
            <Table.Tr key={name}>
              <Table.Td ps={0}>{valueText('queue', name)}</Table.Td>
              <Table.Td ta="end">{waiting}</Table.Td>
              <Table.Td ta="end">{running}</Table.Td>
              <Table.Td ta="end" pe={0}>
                {failed}
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Panel>
  );
}

/** Whether every part of the system answers. */
export function HealthPanel() {
  const t = useTexts(overviewTexts);
  const { valueText, sentenceText } = useApiWords();
  const health = api.useQuery('get', '/api/v1/monitoring/health', {}, { refetchInterval: SLOW_MS });
  const all = health.data?.components ?? [];
  const away = all.filter(({ status }) => status !== 'ok');
  return (
    <Panel
      title={t('components')}
      query={health}
      aside={health.data && <StatusBadge status={away.length === 0 ? 'OK' : 'ERROR'} />}
    >
      <Text size="sm">
        {away.length === 0 ? t('all_well', { count: all.length }) : t('some_away', { count: away.length })}
      </Text>
      {away.map(({ component, detail }) => (
        <Text key={component} size="sm" data-clamp>
          <b>{valueText('component', component)}</b> {detail && sentenceText(detail)}
        </Text>
      ))}
    </Panel>
  );
}

/** Fewer records than this say nothing about the size of one: files are made in portions. */
const RECORDS_TO_JUDGE = 50_000;
const SPAN_TO_JUDGE_MS = 60_000;
const TEN_YEARS_DAYS = 3_650;

/** Days until the disk is full at this pace; null: it cannot be said honestly. */
function daysLeft(free: number, data: number, totals: Totals | undefined, { average, spanMs }: Rates): number | null {
  if (totals === undefined || totals.stored < RECORDS_TO_JUDGE || spanMs < SPAN_TO_JUDGE_MS) return null;
  if (average === null || average <= 0) return null;
  const bytesPerRecord = data / totals.stored;
  return free / (bytesPerRecord * average * 86_400);
}

/** How much room the data takes and has, and for how long. */
export function StoragePanel({ totals, rates }: { readonly totals: Totals | undefined; readonly rates: Rates }) {
  const t = useTexts(overviewTexts);
  const { language } = useLanguage();
  const info = api.useQuery('get', '/api/v1/system/info', {}, { refetchInterval: SLOW_MS });
  const { storage, adapters } = info.data ?? {};
  const isHere = adapters?.['telemetry'] === 'SQLite';
  const days =
    storage === undefined || !isHere ? null : daysLeft(storage.free_bytes, storage.data_bytes, totals, rates);
  const minutes = Math.max(1, Math.round(rates.spanMs / 60_000));
  return (
    <Panel title={t('storage')} query={info}>
      {storage && (
        <Stack gap={4}>
          <Line label={t('data')} value={formatBytes(storage.data_bytes, language)} />
          <Line label={t('free')} value={formatBytes(storage.free_bytes, language)} />
          {days !== null && (
            <>
              <Text size="sm">
                {days > TEN_YEARS_DAYS
                  ? t('lasts_long', { minutes })
                  : t('lasts', { minutes, days: days < 10 ? Math.round(days * 10) / 10 : Math.round(days) })}
              </Text>
              <Text size="xs" c="dimmed">
                {t('estimate')}
              </Text>
            </>
          )}
        </Stack>
      )}
    </Panel>
  );
}

function Line({ label, value }: { readonly label: string; readonly value: string }) {
  return (
    <Group justify="space-between" gap="xs" wrap="nowrap">
      <Text size="sm" c="dimmed">
        {label}
      </Text>
      <Text size="sm">{value}</Text>
    </Group>
  );
}

/** The roll-outs that are under way, or wait for somebody. */
export function CampaignsPanel() {
  const t = useTexts(overviewTexts);
  const query = { status: ['RUNNING', 'PAUSED'], size: 5 } as never;
  const campaigns = api.useQuery('get', '/api/v1/campaigns', { params: { query } }, { refetchInterval: SLOW_MS });
  return (
    <Panel title={t('campaigns')} query={campaigns}>
      {campaigns.data?.total === 0 && (
        <Text size="sm" c="dimmed">
          {t('no_campaigns')}
        </Text>
      )}
      <Stack gap="xs">
        {campaigns.data?.items.map(({ id, name, version, status, stage, stages }) => (
          <Group key={id} wrap="nowrap" gap="sm" align="flex-start">
            <StatusBadge status={status} />
            <div style={{ minWidth: 0 }}>
              <Anchor component={Link} to={`/campaigns/${id}` as string} size="sm" data-clamp>
                {name} · {version}
              </Anchor>
              <Text size="xs" c="dimmed">
                {t('stage', { stage: stage + 1, stages: (stages as readonly unknown[]).length })}
              </Text>
            </div>
          </Group>
        ))}
      </Stack>
    </Panel>
  );
}
