import { Group, Stack, Text } from '@mantine/core';
import { useMemo } from 'react';
import { Chart } from '#console/charts/chart.tsx';
import { useApiWords, useLanguage } from '#console/i18n/language.tsx';
import { useTexts } from '#console/i18n/texts.ts';
import type { Totals, useTraffic } from './overview.data.ts';
import { overviewTexts } from './overview.texts.ts';
import { Panel } from './panel.tsx';

/** The chart's line breaks where nobody has looked for this long. */
const GAP_MS = 15_000;

/** A rate is judged by its height above nothing. */
const FROM_ZERO = [{ value: 0, label: '', color: 'transparent' }];

/** How fast messages come, and what has become of all of them. */
export function TrafficPanel({ traffic }: { readonly traffic: ReturnType<typeof useTraffic> }) {
  const t = useTexts(overviewTexts);
  const { language } = useLanguage();
  const { data, rates } = traffic;
  const now = rates.values.at(-1);
  const label = t('rate');
  const series = useMemo(
    () => [{ key: 'rate', label, at: rates.at, values: rates.values, gapMs: GAP_MS }],
    [label, rates],
  );
  const format = new Intl.NumberFormat(language, { maximumFractionDigits: 1 });
  return (
    <Panel
      title={t('messages')}
      query={traffic}
      aside={now !== undefined && <Text fw={600}>{t('per_second', { rate: format.format(now) })}</Text>}
    >
      {rates.values.length < 2 ? (
        <Text c="dimmed" size="sm" h={180}>
          {t('measuring')}
        </Text>
      ) : (
        <Chart name={label} heading={false} series={series} label={label} height={160} thresholds={FROM_ZERO} />
      )}
      {data !== undefined && <Fates totals={data} />}
    </Panel>
  );
}

/** The lines below the first add up to it. */
function Fates({ totals }: { readonly totals: Totals }) {
  const { valueText } = useApiWords();
  const t = useTexts(overviewTexts);
  const { language } = useLanguage();
  const { received, stored, merged, rejected, in_flight } = totals;
  const refusals = Object.entries(rejected).sort(([, one], [, other]) => other - one);
  const rows = [
    [t('received'), received],
    [t('stored'), stored],
    [t('merged'), merged],
    ...refusals.map(([reason, count]) => [t('rejected', { reason: valueText('reason', reason) }), count] as const),
    [t('in_flight'), in_flight],
  ] as const;
  return (
    <Stack gap={2} mt="sm">
      <Text size="xs" c="dimmed">
        {t('since_ever')}
      </Text>
      {rows.map(([label, count], index) => (
        <Group key={label} justify="space-between" gap="xs" wrap="nowrap" ps={index === 0 ? 0 : 'md'}>
          <Text size="sm" fw={index === 0 ? 600 : 400}>
            {label}
          </Text>
          <Text size="sm">{new Intl.NumberFormat(language).format(count)}</Text>
        </Group>
      ))}
    </Stack>
  );
}
