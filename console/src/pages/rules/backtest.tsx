import { Group, Loader, Paper, SegmentedControl, Select, Stack, Text, Title } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { api, client } from '#console/api/client.ts';
import { problemText } from '#console/api/problem.ts';
import { Chart } from '#console/charts/chart.tsx';
import type { Threshold } from '#console/charts/time-chart.tsx';
import { useTexts } from '#console/i18n/texts.ts';
import { lineOf, readAggregated, readRaw, spanOf } from '#console/pages/device/telemetry.data.ts';
import { isAtLeast, useUser } from '#console/session/session.ts';
import { bodyOf, isTestable, type RuleForm, takesLevel, takesRange } from './rule.form.ts';
import { SEVERITY_COLOUR } from './rule.levels.ts';
import { rulesTexts } from './rules.texts.ts';

const DAY_MS = 86_400_000;
const DAYS = ['1', '7', '30'] as const;
const TYPING_MS = 500;

/** How often the rule would have fired, while somebody types, on the telemetry itself. */
export function Backtest({ form, onLevel }: BacktestProps) {
  const t = useTexts(rulesTexts);
  const [days, setDays] = useState<(typeof DAYS)[number]>('7');
  const range = useMemo(() => ({ from: Date.now() - Number(days) * DAY_MS, to: Date.now() }), [days]);
  const { data, error, isFetching } = useTested(form, range);
  const [chosen, setChosen] = useState<string | null>(null);
  const devices = data?.devices ?? [];
  const drawn = devices.find(({ device_id }) => String(device_id) === chosen) ?? mostAlerts(devices);
  const count = devices.reduce((sum, { alerts }) => sum + alerts.length, 0);
  const samples = devices.reduce((sum, each) => sum + each.samples, 0);
  return (
    <Paper withBorder p="md">
      <Stack gap="sm">
        <Group justify="space-between">
          <Title order={2} size="h4">
            {t('backtest')}
          </Title>
          <SegmentedControl
            size="xs"
            aria-label={t('days')}
            value={days}
            onChange={(next) => setDays(next as typeof days)}
            data={DAYS.map((value) => ({ value, label: t(`days_${value}`) }))}
          />
        </Group>
        <Group gap="xs" aria-live="polite">
          {isFetching && <Loader size={16} aria-label={t('testing')} />}
          <Text size="sm" {...(error === null ? {} : { c: 'var(--mantine-color-error)' })}>
            {form.condition === 'offline'
              ? t('offline_test')
              : !isTestable(form)
                ? t('incomplete')
                : error !== null
                  ? problemText(error)
                  : data === undefined
                    ? t('testing')
                    : devices.length === 0
                      ? t('no_devices')
                      : `${t(count === 0 ? 'fires_never' : 'fires', { count })} ${t('judged', { devices: devices.length, samples })}`}
          </Text>
        </Group>
        {devices.length > 1 && (
          <Select
            size="xs"
            label={t('shown')}
            searchable
            allowDeselect={false}
            value={drawn === undefined ? null : String(drawn.device_id)}
            data={devices.map(({ device_id, device_uid, alerts }) => ({
              value: String(device_id),
              label: t('device_fires', { device: device_uid, count: alerts.length }),
            }))}
            onChange={setChosen}
          />
        )}
        <Drawn form={form} range={range} tested={drawn} onLevel={onLevel} />
      </Stack>
    </Paper>
  );
}

/** The test of what stood still for half a second; a former one is given up. */
function useTested(form: RuleForm, { from, to }: Range) {
  const [settled] = useDebouncedValue(form, TYPING_MS);
  // What the rule is called, and whom it tells, does not change when it fires.
  const { name: _, channels: __, recipients: ___, is_enabled: ____, ...judged } = bodyOf(settled);
  const query = useQuery({
    queryKey: ['rule-test', judged, from],
    enabled: isTestable(settled),
    retry: false,
    placeholderData: keepPreviousData,
    queryFn: async ({ signal }) => {
      const { start, end } = spanOf(from, to);
      const rule = { ...judged, name: 'test' };
      const { data, error } = await client.POST('/api/v1/monitoring/alert-rules/test', {
        body: { rule, start, end },
        signal,
      });
      if (error !== undefined) throw error;
      return data;
    },
  });
  return isTestable(form) ? query : { data: undefined, error: null, isFetching: false };
}

type Tested = NonNullable<ReturnType<typeof useTested>['data']>['devices'][number];

function mostAlerts(devices: readonly Tested[]): Tested | undefined {
  return devices.reduce<Tested | undefined>(
    (most, each) => (most === undefined || each.alerts.length > most.alerts.length ? each : most),
    undefined,
  );
}

/** The telemetry of one device, the alerts that there would have been, and the threshold, which can be dragged. */
function Drawn({ form, range, tested, onLevel }: DrawnProps) {
  const t = useTexts(rulesTexts);
  const { role } = useUser();
  const [zoom, setZoom] = useState<readonly [number, number] | null>(null);
  const isAggregated = isAtLeast(role, 'MANAGER');
  const id = tested?.device_id ?? form.device;
  const { metric } = form;
  const [from, to] = zoom ?? [range.from, range.to];
  const isDrawable = id !== null && metric !== '' && form.condition !== 'offline';
  const { data: device } = api.useQuery(
    'get',
    '/api/v1/devices/{device_id}',
    { params: { path: { device_id: id ?? 0 } } },
    { enabled: isDrawable },
  );
  const { data } = useQuery({
    queryKey: ['rule-chart', id, metric, from, to, isAggregated],
    enabled: isDrawable,
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) => {
      const asked = { id: id ?? 0, metrics: [metric], from, to };
      return isAggregated ? readAggregated(asked, signal) : readRaw(asked, signal);
    },
  });
  const series = useMemo(() => [lineOf(metric, data?.get(metric), undefined)], [data, metric]);
  if (!isDrawable) return null;
  const color = SEVERITY_COLOUR[form.severity];
  const lines = draggedLines(form);
  const thresholds: Threshold[] = lines.map(({ field, value }) => ({
    value,
    label: t(field.startsWith('clear') ? 'clear_line' : 'threshold_line'),
    color: field.startsWith('clear') ? '#2b8a3e' : color,
  }));
  const spans = (tested?.alerts ?? []).map(({ started_at, cleared_at }) => ({
    from: Date.parse(started_at),
    to: cleared_at === null ? range.to : Date.parse(cleared_at),
    color: `${color}3d`,
  }));
  const move = (index: number, value: number) => {
    const line = lines[index];
    if (line !== undefined) onLevel(line.field, Number(value.toPrecision(4)));
  };
  return (
    <Chart
      name={`${metric} · ${device?.name ?? id}`}
      series={series}
      label={t('chart', { metric, device: device?.name ?? String(id) })}
      range={[from, to]}
      height={320}
      thresholds={thresholds}
      spans={spans}
      onThreshold={move}
      onRange={setZoom}
      onReset={() => setZoom(null)}
    />
  );
}

export type LevelField = 'low' | 'high' | 'clearLow' | 'clearHigh';

/** The levels of the form that are lines of the chart. */
function draggedLines(form: RuleForm) {
  const fields: readonly LevelField[] = takesRange(form.condition)
    ? ['low', 'high', 'clearLow', 'clearHigh']
    : takesLevel(form.condition)
      ? ['low', 'clearLow']
      : [];
  return fields.flatMap((field) => {
    const value = form[field];
    return value === '' || !Number.isFinite(Number(value)) ? [] : [{ field, value: Number(value) }];
  });
}

interface Range {
  readonly from: number;
  readonly to: number;
}

interface BacktestProps {
  readonly form: RuleForm;
  readonly onLevel: (field: LevelField, value: number) => void;
}

interface DrawnProps extends BacktestProps {
  readonly range: Range;
  readonly tested: Tested | undefined;
}
