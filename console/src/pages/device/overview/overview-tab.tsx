import { Anchor, Grid, Group, Paper, SimpleGrid, Stack, Text, Title } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useMemo, useState } from 'react';
import { Chart } from '#console/charts/chart.tsx';
import { Failure, Splash } from '#console/components/states.tsx';
import { useNow } from '#console/i18n/format.tsx';
import { useTexts } from '#console/i18n/texts.ts';
import type { Device } from '../device.data.ts';
import { FirstSteps } from '../first-steps/first-steps.tsx';
import { HOUR_MS, numberOf, useLatest, useLines } from '../telemetry.data.ts';
import { Facts } from './facts.tsx';
import { LatestValues } from './latest-values.tsx';
import { LedgerFlow } from './ledger-flow.tsx';
import { overviewTexts } from './overview.texts.ts';
import { StatusTimeline } from './status-timeline.tsx';

/** More are on the tab of the charts. */
const MOST_CHARTS = 6;
/** The chart of a new device is as long as its life, and never shorter than this. */
const SHORTEST_MS = 5 * 60_000;

export function OverviewTab({ device }: { readonly device: Device }) {
  const t = useTexts(overviewTexts);
  const { metrics, data, isLoading, error, refetch } = useLatest(device);
  // Whoever saw the device without a message sees what to run until it has come, and with what it has brought.
  const [isNew, setNew] = useState<boolean | undefined>(undefined);
  const showsFirstSteps = isNew ?? (data !== undefined && metrics.length === 0);
  if (showsFirstSteps && isNew === undefined) setNew(true);
  if (isLoading) return <Splash />;
  return (
    <Grid gap="md">
      <Grid.Col span={{ base: 12, lg: 8 }}>
        <Stack>
          {error && <Failure error={error} onRetry={() => void refetch()} />}
          {showsFirstSteps && <FirstSteps device={device} metrics={metrics} onHide={() => setNew(false)} />}
          {metrics.length > 0 && (
            <section aria-label={t('latest')}>
              <Title order={2} size="h5" mb="xs">
                {t('latest')}
              </Title>
              <LatestValues metrics={metrics} />
            </section>
          )}
          {metrics.length > 0 && (
            <LastHour
              device={device}
              names={metrics.filter(([, { value }]) => numberOf(value) !== null).map(([name]) => name)}
            />
          )}
        </Stack>
      </Grid.Col>
      <Grid.Col span={{ base: 12, lg: 4 }}>
        <Stack>
          <StatusTimeline device={device} />
          <LedgerFlow device={device} />
          <Facts device={device} />
        </Stack>
      </Grid.Col>
    </Grid>
  );
}

function LastHour({ device, names }: { readonly device: Device; readonly names: readonly string[] }) {
  const t = useTexts(overviewTexts);
  const key = names.slice(0, MOST_CHARTS).join(',');
  const shown = useMemo(() => (key === '' ? [] : key.split(',')), [key]);
  const { lines, error, refetch } = useLines(device, shown, { lastMs: HOUR_MS });
  const now = useNow(2_000);
  const first = Math.min(Date.parse(device.created_at), ...lines.map(({ at }) => at[0] ?? now));
  const from = Math.max(now - HOUR_MS, Math.min(first, now - SHORTEST_MS));
  return (
    <section aria-label={t('last_hour')}>
      <Group justify="space-between" mb="xs">
        <Title order={2} size="h5">
          {t('last_hour')}
        </Title>
        <Anchor component={Link} to="." search={{ tab: 'charts' } as never} size="sm">
          {t('more_charts')}
        </Anchor>
      </Group>
      {error && <Failure error={error} onRetry={() => void refetch()} />}
      {names.length === 0 && <Text size="sm">{t('no_numbers')}</Text>}
      <SimpleGrid cols={{ base: 1, sm: lines.length > 1 ? 2 : 1 }} spacing="sm">
        {lines.map((line) => (
          <Paper key={line.key} withBorder p="xs" miw={0}>
            <Chart
              name={line.label}
              series={[line]}
              label={t('chart_of', { metric: line.label })}
              range={[from, now]}
              height={130}
              syncKey={`device-${device.id}`}
            />
          </Paper>
        ))}
      </SimpleGrid>
    </section>
  );
}
