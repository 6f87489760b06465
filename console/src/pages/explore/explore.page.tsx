import { Badge, Button, Chip, Group, Loader, Paper, SegmentedControl, SimpleGrid, Stack, Text } from '@mantine/core';
import { useMemo } from 'react';
import { NotFound } from '#console/components/not-found.tsx';
import { PageHeader } from '#console/components/page-header.tsx';
import { RecordsSelect } from '#console/components/record-select.tsx';
import { Empty, Failure } from '#console/components/states.tsx';
import { formatSpan, useNow } from '#console/i18n/format.tsx';
import { useLanguage } from '#console/i18n/language.tsx';
import { useTexts } from '#console/i18n/texts.ts';
import { isAtLeast, useUser } from '#console/session/session.ts';
import { type Line, useDevices, useExploredLines, useMetricNames } from './explore.data.ts';
import {
  type Choice,
  type Fixed,
  LAYOUTS,
  MOST_DEVICES,
  OVERLAYS,
  type Overlay,
  rangeOf,
  useChoice,
} from './explore.state.ts';
import { exploreTexts } from './explore.texts.ts';
import { ExploreChart } from './explore-chart.tsx';
import { MetricPicker } from './metric-picker.tsx';
import { useOverlays } from './overlays.data.ts';
import { RangePicker } from './range-picker.tsx';

/** For those whom the API gives analyses: MANAGER and above. */
export function ExplorePage() {
  const { role } = useUser();
  return isAtLeast(role, 'MANAGER') ? <Explorer /> : <NotFound />;
}

/** Lines of several devices and metrics on one axis of time. */
function Explorer() {
  const t = useTexts(exploreTexts);
  const [choice, change] = useChoice();
  const { devices, error } = useDevices(choice.devices);
  const names = useMetricNames(choice.devices);
  return (
    <>
      <PageHeader title={t('title')} text={t('text')} />
      <Stack>
        <SimpleGrid cols={{ base: 1, sm: 2 }}>
          <RecordsSelect
            kind="device"
            label={t('devices')}
            placeholder={t('devices_hint', { count: MOST_DEVICES })}
            most={MOST_DEVICES}
            value={choice.devices}
            onChange={(picked) => change({ devices: picked })}
          />
          <MetricPicker names={names} picked={choice.metrics} onPick={(metrics) => change({ metrics })} />
        </SimpleGrid>
        <Toolbar choice={choice} change={change} />
        {error !== null && <Failure error={error} />}
        {choice.devices.length === 0 ? (
          <Empty title={t('empty')} text={t('empty_text')} />
        ) : choice.metrics.length === 0 ? (
          <Empty title={t('no_metrics')} text={t(names.length === 0 ? 'no_numbers_text' : 'no_metrics_text')} />
        ) : (
          <Charts choice={choice} change={change} devices={devices} />
        )}
      </Stack>
    </>
  );
}

interface ChoiceProps {
  readonly choice: Choice;
  readonly change: (changes: Partial<Choice>) => void;
}

function Toolbar({ choice, change }: ChoiceProps) {
  const t = useTexts(exploreTexts);
  return (
    <Stack gap="xs">
      <Group gap="sm">
        <RangePicker choice={choice} change={change} />
        <SegmentedControl
          aria-label={t('layout')}
          size="xs"
          value={choice.layout}
          onChange={(layout) => change({ layout: layout as Choice['layout'] })}
          data={LAYOUTS.map((value) => ({ value, label: t(`by_${value}`) }))}
        />
      </Group>
      <Chip.Group
        multiple
        value={[...choice.overlays]}
        onChange={(overlays) => change({ overlays: overlays as Overlay[] })}
      >
        <Group gap={6} role="group" aria-label={t('overlays')}>
          {OVERLAYS.map((overlay) => (
            <Chip key={overlay} value={overlay} size="xs" variant="outline">
              {t(overlay)}
            </Chip>
          ))}
        </Group>
      </Chip.Group>
    </Stack>
  );
}

function Charts({
  choice,
  change,
  devices,
}: ChoiceProps & { readonly devices: Parameters<typeof useExploredLines>[0] }) {
  const t = useTexts(exploreTexts);
  const now = useNow(2_000);
  const range = rangeOf(choice, now);
  const { language } = useLanguage();
  const { lines, everyMs, error, isLoading, refetch } = useExploredLines(devices, choice);
  const minute = rangeOf(choice, Math.ceil(now / 60_000) * 60_000);
  const overlays = useOverlays(devices, choice.metrics, minute, choice.overlays);
  const named = useMemo(
    () =>
      lines.map((line) => (line.isBefore === true ? { ...line, label: t('of_before', { name: line.label }) } : line)),
    [lines, t('of_before')],
  );
  // The same lines stay the same: a chart that is looked at is not drawn anew every other second.
  const groups = useMemo(() => grouped(named, choice.layout), [named, choice.layout]);
  const missing = named.filter(({ at, isBefore }) => at.length === 0 && isBefore !== true).map(({ label }) => label);
  const zoom = (next: Fixed) => change({ zoom: next });
  const back = () => choice.zoom !== undefined && change({ zoom: undefined });
  return (
    <>
      <Group gap="xs">
        <Badge color={range.isLive ? 'teal.9' : 'gray.7'}>{t(range.isLive ? 'live' : 'frozen')}</Badge>
        {choice.zoom !== undefined && (
          <Button size="compact-xs" variant="default" onClick={back}>
            {t('back')}
          </Button>
        )}
        {lines.some(({ at }) => at.length > 0) && (
          <Text size="sm" c="dimmed" role="status">
            {everyMs === undefined ? t('samples') : t('averages', { span: formatSpan(everyMs, language) })}
          </Text>
        )}
        {isLoading && <Loader size={16} aria-hidden />}
      </Group>
      {error !== null && <Failure error={error} onRetry={() => void refetch()} />}
      {overlays.error !== null && <Failure error={overlays.error} />}
      {groups.map(([name, group]) => (
        <Paper key={name} withBorder p="xs">
          <ExploreChart
            name={name === '' ? t('all') : name}
            lines={group}
            range={range}
            overlays={overlays}
            wanted={choice.overlays}
            onZoom={zoom}
            onBack={back}
          />
        </Paper>
      ))}
      {missing.length > 0 && !isLoading && (
        <Text size="sm" c="dimmed">
          {t('nothing_of', { names: missing.join(', ') })}
        </Text>
      )}
    </>
  );
}

/** The lines of each chart. */
function grouped(lines: readonly Line[], layout: Choice['layout']): readonly (readonly [string, readonly Line[]])[] {
  const groups = new Map<string, Line[]>();
  for (const line of lines) {
    if (line.at.length === 0) continue;
    const key = layout === 'metric' ? line.metric : layout === 'device' ? line.device.name : '';
    groups.set(key, [...(groups.get(key) ?? []), line]);
  }
  return [...groups];
}
