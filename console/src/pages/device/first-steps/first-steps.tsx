import { Alert, Button, Group, Loader, Paper, Stack, Text, Title } from '@mantine/core';
import { IconAlertTriangle, IconCheck } from '@tabler/icons-react';
import { api } from '#console/api/client.ts';
import { formatAgo } from '#console/i18n/format.tsx';
import { useApiWords, useLanguage } from '#console/i18n/language.tsx';
import { useTexts } from '#console/i18n/texts.ts';
import type { Device } from '../device.data.ts';
import { Credentials } from '../device-actions.tsx';
import { useLedger } from '../overview/ledger-flow.tsx';
import type { LatestValue } from '../telemetry.data.ts';
import { firstStepsTexts } from './first-steps.texts.ts';
import { Snippets } from './snippets.tsx';

/** From a device that was registered to its first message: what to run, and whether it has come. */
export function FirstSteps({ device, metrics, onHide }: FirstStepsProps) {
  const t = useTexts(firstStepsTexts);
  return (
    <Paper withBorder p="md" component="section" aria-label={t('title')}>
      <Stack>
        <div>
          <Title order={2} size="h4">
            {t('title')}
          </Title>
          <Text size="sm" c="dimmed">
            {t('text')}
          </Text>
        </div>
        <div role="status">
          {metrics.length === 0 ? <Waiting device={device} /> : <Received metrics={metrics} onHide={onHide} />}
        </div>
        <Credentials device={device} />
        <Snippets device={device} />
      </Stack>
    </Paper>
  );
}

function Received({ metrics, onHide }: Omit<FirstStepsProps, 'device'>) {
  const t = useTexts(firstStepsTexts);
  const values = metrics.map(([name, { value }]) => `${name} = ${value}`).join(', ');
  return (
    <Alert color="teal" variant="outline" icon={<IconCheck />} title={t('received')}>
      <Group justify="space-between">
        <Text size="sm" flex={1} lineClamp={3}>
          {values}
        </Text>
        <Button size="xs" variant="default" onClick={onHide}>
          {t('hide')}
        </Button>
      </Group>
    </Alert>
  );
}

/** Why nothing has come, where the server knows: what it has rejected, whom it has refused. */
function Waiting({ device }: { readonly device: Device }) {
  const t = useTexts(firstStepsTexts);
  const { language } = useLanguage();
  const { valueText } = useApiWords();
  const input = { params: { path: { device_id: device.id } } };
  const often = { refetchInterval: 3_000 };
  const { data: connection } = api.useQuery('get', '/api/v1/devices/{device_id}/connection', input, often);
  const { data: ledger } = useLedger(device, 3_000);
  const rejected = Object.entries(ledger?.rejected ?? {}).filter(([, count]) => count > 0);
  const refusal = [...(connection?.refusals ?? [])].sort((a, b) => b.at.localeCompare(a.at))[0];
  const hasConnected = (connection?.sessions.length ?? 0) > 0;
  return (
    <Stack gap="xs">
      <Group gap="sm" wrap="nowrap">
        <Loader size="sm" aria-hidden />
        <div>
          <Text fw={600}>{t('waiting')}</Text>
          <Text size="sm" c="dimmed">
            {hasConnected ? t('connected') : t('waiting_text')}
          </Text>
        </div>
      </Group>
      {rejected.length > 0 && (
        <Alert color="red" variant="outline" icon={<IconAlertTriangle />}>
          {t('rejected', {
            reasons: rejected.map(([reason, count]) => `${valueText('reason', reason)} (${count})`).join(', '),
          })}
        </Alert>
      )}
      {refusal !== undefined && !hasConnected && (
        <Alert color="red" variant="outline" icon={<IconAlertTriangle />}>
          {t('refused', { when: formatAgo(refusal.at, language), reason: valueText('reason', refusal.reason) })}
        </Alert>
      )}
    </Stack>
  );
}

interface FirstStepsProps {
  readonly device: Device;
  /** The last value of each metric; none: it has sent nothing yet. */
  readonly metrics: readonly (readonly [string, LatestValue])[];
  readonly onHide: () => void;
}
