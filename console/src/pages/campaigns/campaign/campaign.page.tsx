import { Alert, Anchor, Loader, Paper, Progress, SimpleGrid, Stack, Text, Title } from '@mantine/core';
import { Link, useParams } from '@tanstack/react-router';
import { api } from '#console/api/client.ts';
import { common } from '#console/app/common.texts.ts';
import { PageHeader } from '#console/components/page-header.tsx';
import { StateBar } from '#console/components/state-bar.tsx';
import { Failure } from '#console/components/states.tsx';
import { StatusBadge } from '#console/components/status-badge.tsx';
import { Instant, withLocalTimes } from '#console/i18n/format.tsx';
import { useApiWords, useLanguage } from '#console/i18n/language.tsx';
import { useTexts } from '#console/i18n/texts.ts';
import { firmwareTexts } from '#console/pages/device/firmware.texts.ts';
import { ChangeHistory } from '#console/records/change-history.tsx';
import { instantColumn, statusColumn } from '#console/records/columns.tsx';
import { fieldTexts } from '#console/records/field.texts.ts';
import { RecordsPage } from '#console/records/records.page.tsx';
import type { Records } from '#console/records/records.types.ts';
import { type Campaign, campaignOf } from '../campaign.data.ts';
import { campaignTexts } from '../campaigns.texts.ts';
import { CampaignActions, waitsForApproval } from './campaign-actions.tsx';
import { CampaignFacts } from './campaign-facts.tsx';
import { Stages } from './stages.tsx';

const LIVE_MS = 2_000;
const isMoving = (status: Campaign['status'] | undefined) => status === 'RUNNING' || status === 'SCHEDULED';

/** One roll-out: where it stands and why, and where each device does. */
export function CampaignPage() {
  const words = useTexts(common);
  const id = Number((useParams({ strict: false }) as { readonly id?: string }).id);
  const input = { params: { path: { campaign_id: id } } };
  const query = api.useQuery('get', '/api/v1/campaigns/{campaign_id}', input, {
    refetchInterval: ({ state }) => (isMoving(state.data?.status) ? LIVE_MS : 10_000),
  });
  if (query.data === undefined) {
    return query.error ? (
      <Failure error={query.error} onRetry={() => void query.refetch()} />
    ) : (
      <Loader aria-label={words('loading')} />
    );
  }
  return <Shown campaign={campaignOf(query.data)} />;
}

function Shown({ campaign }: { readonly campaign: Campaign }) {
  const t = useTexts(campaignTexts);
  const { status, reason } = campaign;
  const isStopped = status === 'PAUSED' || status === 'ABORTED';
  const cause = reason === 'gate' ? 'gate' : 'person';
  return (
    <Stack>
      <PageHeader title={campaign.name}>
        <StatusBadge status={status} />
        <CampaignActions campaign={campaign} />
      </PageHeader>
      {waitsForApproval(campaign) && (
        <Alert color="orange" variant="outline">
          {t('waits_for_approval')}
        </Alert>
      )}
      {isStopped && (
        <Alert color={cause === 'gate' ? 'red' : 'orange'} variant="outline" role="status">
          {t(status === 'PAUSED' ? `paused_${cause}` : `aborted_${cause}`)}
        </Alert>
      )}
      {Object.values(campaign.counts).some((count) => count > 0) && (
        <Paper withBorder p="md">
          <Title order={2} size="h4" mb="sm">
            {t('progress')}
          </Title>
          <StateBar counts={campaign.counts} label={t('progress')} />
        </Paper>
      )}
      <SimpleGrid cols={{ base: 1, md: 2 }}>
        <Stages campaign={campaign} />
        <CampaignFacts campaign={campaign} />
      </SimpleGrid>
      <Devices
        id={campaign.id}
        refreshMs={isMoving(status) ? LIVE_MS : undefined}
        states={Object.keys(campaign.counts)}
      />
      <ChangeHistory of={{ type: 'campaign', id: campaign.id }} />
    </Stack>
  );
}

const PATH = '/api/v1/campaigns/{campaign_id}/devices';

function Devices({ id, refreshMs, states }: DevicesProps) {
  const t = useTexts(campaignTexts);
  const field = useTexts(fieldTexts);
  const explained = useTexts(firmwareTexts);
  const { language } = useLanguage();
  const { valueText, sentenceText, choices } = useApiWords();
  const records: Records<typeof PATH> = {
    name: 'campaign-devices',
    path: PATH.replace('{campaign_id}', String(id)) as typeof PATH,
    title: t('list'),
    isPart: true,
    refreshMs,
    keyOf: ({ device_id }) => device_id,
    nameOf: ({ device_uid }) => device_uid,
    columns: [
      {
        key: 'device_uid',
        label: field('device'),
        render: ({ device_id, device_uid }) => (
          <Anchor component={Link} to={`/devices/${device_id}?tab=firmware`} inherit>
            {device_uid}
          </Anchor>
        ),
      },
      {
        ...statusColumn('status', field('status')),
        render: ({ status, progress, due_at }) => (
          <Stack gap={4}>
            <StatusBadge status={status} />
            {progress !== null && due_at !== null && (
              <Progress value={progress} w={80} aria-label={explained('progress', { percent: progress })} />
            )}
          </Stack>
        ),
      },
      instantColumn('since', t('since'), { ago: true }),
      {
        key: 'reason',
        label: field('reason'),
        render: ({ reason }) => (reason === null ? '–' : valueText('reason', reason)),
      },
      {
        key: 'explanation',
        label: t('next'),
        render: ({ explanation }) => <Text size="sm">{withLocalTimes(sentenceText(explanation), language)}</Text>,
      },
      { key: 'due_at', label: t('due'), render: ({ due_at }) => <Instant at={due_at} ago /> },
      { key: 'stage', label: t('stage'), optional: true, render: ({ stage }) => (stage === null ? '–' : stage + 1) },
      { key: 'attempts', label: t('attempts'), optional: true },
    ],
    filters: [
      {
        key: 'status',
        label: field('status'),
        several: true,
        options: choices('status', states),
      },
    ],
    empty: { title: t('no_devices'), text: t('no_devices_text') },
  };
  return (
    <div>
      <RecordsPage records={records} />
    </div>
  );
}

interface DevicesProps {
  readonly id: number;
  readonly refreshMs: number | undefined;
  readonly states: readonly string[];
}
