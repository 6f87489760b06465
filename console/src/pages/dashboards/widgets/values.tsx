import { SemiCircleProgress, Stack, Text } from '@mantine/core';
import { Instant } from '#console/i18n/format.tsx';
import { type Language, useLanguage } from '#console/i18n/language.tsx';
import { useTexts } from '#console/i18n/texts.ts';
import type { Device } from '#console/pages/device/device.data.ts';
import { numberOf } from '#console/pages/device/telemetry.data.ts';
import type { Options, Source } from '../dashboard.data.ts';
import { dashboardTexts } from '../dashboards.texts.ts';
import { Note, useLatestOf, WithDevice } from './source.tsx';

interface WidgetProps {
  readonly options: Options;
}

interface ReadingProps extends WidgetProps {
  readonly device: Device;
  readonly source: Source;
}

function shown(value: unknown, unit: string, language: Language): string {
  const text =
    typeof value === 'number'
      ? new Intl.NumberFormat(language, { maximumSignificantDigits: 6 }).format(value)
      : String(value);
  return unit === '' ? text : `${text} ${unit}`;
}

export function ValueWidget({ options }: WidgetProps) {
  return (
    <WithDevice source={options.sources[0]}>
      {(device, source) => <Value options={options} device={device} source={source} />}
    </WithDevice>
  );
}

/** The last value, with its unit, where it is from and how old it is. */
function Value({ options, device, source }: ReadingProps) {
  const t = useTexts(dashboardTexts);
  const { language } = useLanguage();
  const latest = useLatestOf(device, source.metric);
  if (latest === undefined) return <Note>{t('no_value')}</Note>;
  return (
    <Stack h="100%" justify="center" align="center" gap={0}>
      <Text fz="clamp(1.2rem, 14cqi, 3.5rem)" fw={700} lh={1.2} ta="center" lineClamp={2}>
        {shown(latest.value, options.unit, language)}
      </Text>
      <Text size="xs" c="dimmed" ta="center" lineClamp={1}>
        {t('of', { metric: source.metric, device: device.name })}
      </Text>
      <Text size="xs" c="dimmed">
        <Instant at={latest.timestamp} ago />
      </Text>
    </Stack>
  );
}

export function GaugeWidget({ options }: WidgetProps) {
  return (
    <WithDevice source={options.sources[0]}>
      {(device, source) => <Gauge options={options} device={device} source={source} />}
    </WithDevice>
  );
}

/** Where the last value is between the lowest and the highest; its colour says whether that is well. */
function Gauge({ options, device, source }: ReadingProps) {
  const t = useTexts(dashboardTexts);
  const { language } = useLanguage();
  const latest = useLatestOf(device, source.metric);
  const value = numberOf(latest?.value);
  if (latest === undefined || value === null) return <Note>{t('no_value')}</Note>;
  const { min, max, warning, critical, unit } = options;
  const share = max > min ? Math.min(1, Math.max(0, (value - min) / (max - min))) : 0;
  const isCritical = critical !== null && value >= critical;
  const isWarning = warning !== null && value >= warning;
  return (
    <Stack h="100%" justify="center" align="center" gap={2}>
      <SemiCircleProgress
        value={share * 100}
        size={150}
        thickness={14}
        filledSegmentColor={isCritical ? 'red.8' : isWarning ? 'orange.7' : 'teal.7'}
        label={
          <Text fw={700} size="lg">
            {shown(value, unit, language)}
          </Text>
        }
        role="meter"
        aria-label={t('of', { metric: source.metric, device: device.name })}
        aria-valuemin={min}
        aria-valuemax={max}
        aria-valuenow={value}
      />
      <Text size="xs" c="dimmed">
        {shown(min, '', language)} – {shown(max, unit, language)} · <Instant at={latest.timestamp} ago />
      </Text>
      <Text size="xs" c="dimmed" ta="center" lineClamp={1}>
        {t('of', { metric: source.metric, device: device.name })}
      </Text>
    </Stack>
  );
}
