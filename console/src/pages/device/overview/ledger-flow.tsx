import { Box, Group, Loader, Paper, Stack, Text, Title } from '@mantine/core';
import { api } from '#console/api/client.ts';
import { Failure } from '#console/components/states.tsx';
import { useApiWords, useLanguage } from '#console/i18n/language.tsx';
import { useTexts } from '#console/i18n/texts.ts';
import type { Device } from '../device.data.ts';
import { overviewTexts } from './overview.texts.ts';

export function useLedger({ id }: Device, refetchInterval = 5_000) {
  const input = { params: { path: { device_id: id } } };
  return api.useQuery('get', '/api/v1/devices/{device_id}/ledger', input, { refetchInterval });
}

/** What the device has sent since it was registered, and what became of it: the bars below add up to the first one. */
export function LedgerFlow({ device }: { readonly device: Device }) {
  const t = useTexts(overviewTexts);
  const { valueText } = useApiWords();
  const { data, error, refetch } = useLedger(device);
  const bars =
    data === undefined
      ? []
      : [
          { key: 'received', label: t('received'), count: data.received, color: 'petrol.8', isSum: true },
          { key: 'stored', label: t('stored'), count: data.stored, color: 'teal.8' },
          { key: 'merged', label: t('merged'), count: data.merged, color: 'indigo.6' },
          ...Object.entries(data.rejected).map(([reason, count]) => ({
            key: `rejected-${reason}`,
            label: t('rejected', { reason: valueText('reason', reason) }),
            count,
            color: 'red.7',
          })),
          { key: 'in_flight', label: t('in_flight'), count: data.in_flight, color: 'orange.6' },
        ];
  return (
    <Paper withBorder p="md" component="section">
      <Title order={2} size="h5">
        {t('ledger')}
      </Title>
      <Text size="xs" c="dimmed" mb="sm">
        {t('ledger_text')}
      </Text>
      {error && <Failure error={error} onRetry={() => void refetch()} />}
      {data === undefined && !error && <Loader size="sm" />}
      <Stack gap={8}>
        {bars.map(({ key, ...bar }) => (
          <Flow key={key} {...bar} whole={data?.received ?? 0} />
        ))}
      </Stack>
    </Paper>
  );
}

function Flow({ label, count, color, whole, isSum = false }: FlowProps) {
  const { language } = useLanguage();
  const share = whole === 0 ? 0 : count / whole;
  const percent = new Intl.NumberFormat(language, { style: 'percent', maximumFractionDigits: 2 });
  return (
    <Box ps={isSum ? 0 : 'md'}>
      <Group justify="space-between" gap="xs" wrap="nowrap">
        <Text size="sm" fw={isSum ? 600 : 400}>
          {isSum ? label : `→ ${label}`}
        </Text>
        <Text size="sm" style={{ whiteSpace: 'nowrap' }}>
          {new Intl.NumberFormat(language).format(count)}
          {!isSum && whole > 0 && (
            <Text span size="xs" c="dimmed">
              {' '}
              {percent.format(share)}
            </Text>
          )}
        </Text>
      </Group>
      <Box h={8} bdrs="sm" bg="var(--mantine-color-default-border)" style={{ overflow: 'hidden' }} aria-hidden>
        <Box h="100%" w={`${100 * share}%`} miw={count > 0 ? 2 : 0} bg={color} />
      </Box>
    </Box>
  );
}

interface FlowProps {
  readonly label: string;
  readonly count: number;
  readonly color: string;
  readonly whole: number;
  readonly isSum?: boolean;
}
