import { Badge, Group, Loader, Paper, Progress, Stack, Text, Title } from '@mantine/core';
import { api } from '#console/api/client.ts';
import type { components } from '#console/api/schema.d.ts';
import { Empty, Failure } from '#console/components/states.tsx';
import { StatusBadge } from '#console/components/status-badge.tsx';
import { Instant, withLocalTimes } from '#console/i18n/format.tsx';
import { useApiWords, useLanguage } from '#console/i18n/language.tsx';
import { useTexts } from '#console/i18n/texts.ts';
import type { Device } from './device.data.ts';
import { firmwareTexts } from './firmware.texts.ts';
import { Steps } from './steps.tsx';

type DeviceCampaign = components['schemas']['DeviceCampaign'];

/** Where the firmware of a device stands, why, and what happens next. */
export function FirmwareTab({ device }: { readonly device: Device }) {
  const t = useTexts(firmwareTexts);
  const input = { params: { path: { device_id: device.id } } };
  const often = { refetchInterval: 5_000 };
  const { data, error, refetch } = api.useQuery('get', '/api/v1/devices/{device_id}/ota', input, often);
  if (data === undefined) {
    return error ? <Failure error={error} onRetry={() => void refetch()} /> : <Loader aria-label={t('loading')} />;
  }
  return (
    <Stack>
      <Group gap="sm">
        <Text>{t('runs')}</Text>
        <Text fw={600}>{data.firmware_version ?? t('not_reported')}</Text>
      </Group>
      {data.campaigns.length === 0 && <Empty title={t('empty')} text={t('empty_text')} />}
      {data.campaigns.map((campaign) => (
        <Campaign key={campaign.campaign_id} campaign={campaign} />
      ))}
    </Stack>
  );
}

function Campaign({ campaign }: { readonly campaign: DeviceCampaign }) {
  const t = useTexts(firmwareTexts);
  const { language } = useLanguage();
  const { sentenceText } = useApiWords();
  const { status, version, since, attempts, progress, explanation, due_at, history } = campaign;
  return (
    <Paper withBorder p="md" component="article" aria-label={campaign.campaign}>
      <Group gap="sm" mb="xs">
        <Title order={2} size="h5" data-clamp>
          {campaign.campaign}
        </Title>
        <Badge color="gray.7" tt="none">
          {version}
        </Badge>
        <StatusBadge status={status} />
        <Text size="xs" c="dimmed">
          {t('since')} <Instant at={since} ago />
        </Text>
      </Group>
      <Text size="sm">{withLocalTimes(sentenceText(explanation), language)}</Text>
      {due_at !== null && (
        <Text size="sm" c="dimmed">
          {t('due')}: <Instant at={due_at} /> (<Instant at={due_at} ago />)
        </Text>
      )}
      {attempts > 1 && (
        <Text size="sm" c="dimmed">
          {t('attempts', { count: attempts })}
        </Text>
      )}
      {progress !== null && due_at !== null && (
        <Progress value={progress} my="xs" maw={400} aria-label={t('progress', { percent: progress })} />
      )}
      <div style={{ marginTop: 8 }}>
        <Steps steps={history} label={t('history', { name: campaign.campaign })} />
      </div>
    </Paper>
  );
}
