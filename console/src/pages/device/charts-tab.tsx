import { Anchor, Button, Group, Loader, MultiSelect, Paper, SegmentedControl, Stack } from '@mantine/core';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { useMemo } from 'react';
import { Chart } from '#console/charts/chart.tsx';
import type { ChartSeries } from '#console/charts/time-chart.data.ts';
import { Empty, Failure } from '#console/components/states.tsx';
import { useNow } from '#console/i18n/format.tsx';
import { useTexts } from '#console/i18n/texts.ts';
import { newRuleLink } from '#console/pages/rules/rule.levels.ts';
import { useUser } from '#console/session/session.ts';
import { chartsTexts } from './charts.texts.ts';
import { type Device, mayControl } from './device.data.ts';
import { HOUR_MS, numberOf, type Span, useLatest, useLines } from './telemetry.data.ts';

const SPANS = { '15m': 0.25, '1h': 1, '6h': 6, '24h': 24, '7d': 168, '30d': 720 } as const;
type SpanName = keyof typeof SPANS;
/** So many are seen at once without being asked for. */
const SHOWN = 6;
/** As many as one request takes: 500 buckets of each, 5,000 in all. */
const MOST = 10;

interface Choice {
  readonly span: SpanName;
  readonly zoom: { readonly from: number; readonly to: number } | undefined;
  readonly metrics: readonly string[] | undefined;
}

/** What is drawn, kept in the address so that it can be sent to somebody. */
function useChoice(): readonly [Choice, (changes: Partial<Choice>) => void] {
  const search = useSearch({ strict: false }) as Readonly<Record<string, unknown>>;
  const navigate = useNavigate();
  const span = String(search['span'] ?? '');
  const [from, to] = [Number(search['from']), Number(search['to'])];
  const choice: Choice = {
    span: Object.hasOwn(SPANS, span) ? (span as SpanName) : '1h',
    zoom: from > 0 && to > from ? { from, to } : undefined,
    metrics: typeof search['metrics'] === 'string' ? search['metrics'].split(',').slice(0, MOST) : undefined,
  };
  const change = (changes: Partial<Choice>) => {
    const { span: chosen, zoom, metrics } = { ...choice, ...changes };
    const next = {
      tab: 'charts',
      ...(chosen === '1h' ? {} : { span: chosen }),
      ...(zoom === undefined ? {} : { from: Math.round(zoom.from), to: Math.round(zoom.to) }),
      ...(metrics === undefined || metrics.length === 0 ? {} : { metrics: metrics.join(',') }),
    };
    void navigate({ to: '.', search: next as never, replace: true });
  };
  return [choice, change];
}

/** Every metric over a span: drag over a chart for a part of it, double click to go back. */
export function ChartsTab({ device }: { readonly device: Device }) {
  const t = useTexts(chartsTexts);
  const { metrics, isLoading } = useLatest(device);
  const [{ span, zoom, metrics: chosen }, change] = useChoice();
  const names = metrics.filter(([, { value }]) => numberOf(value) !== null).map(([name]) => name);
  const key = (chosen ?? names.slice(0, SHOWN)).join(',');
  const shown = useMemo(() => (key === '' ? [] : key.split(',')), [key]);
  const asked: Span = zoom ?? { lastMs: SPANS[span] * HOUR_MS };
  const { lines, error, refetch, isLoading: isReading } = useLines(device, shown, asked);
  if (isLoading) return <Loader aria-label={t('loading')} />;
  if (names.length === 0) return <Empty title={t('empty')} text={t('empty_text')} />;
  return (
    <Stack>
      <Group align="flex-end">
        <SegmentedControl
          aria-label={t('span')}
          value={zoom === undefined ? span : ''}
          onChange={(next) => change({ span: next as SpanName, zoom: undefined })}
          data={(Object.keys(SPANS) as SpanName[]).map((value) => ({ value, label: t(value) }))}
          size="xs"
        />
        <MultiSelect
          aria-label={t('metrics')}
          placeholder={t('metrics')}
          data={names}
          value={[...shown]}
          maxValues={MOST}
          onChange={(next) => change({ metrics: next })}
          size="xs"
          flex={1}
          miw={200}
          searchable
          clearable
          clearButtonProps={{ 'aria-label': t('clear') }}
        />
        <Anchor
          component={Link}
          to="/explore"
          search={{ devices: device.id, metrics: shown.join(',') } as never}
          size="sm"
          style={{ alignSelf: 'center' }}
        >
          {t('explore')}
        </Anchor>
        {zoom !== undefined && (
          <Button size="xs" variant="default" onClick={() => change({ zoom: undefined })}>
            {t('reset')}
          </Button>
        )}
      </Group>
      {error && <Failure error={error} onRetry={() => void refetch()} />}
      {isReading && <Loader size="sm" aria-label={t('loading')} />}
      <Charts
        lines={lines}
        device={device}
        span={asked}
        onZoom={(from, to) => change({ zoom: { from, to } })}
        onReset={() => change({ zoom: undefined })}
      />
    </Stack>
  );
}

function Charts({ lines, device, span, onZoom, onReset }: ChartsProps) {
  const t = useTexts(chartsTexts);
  const now = useNow(2_000);
  const mayRule = mayControl(useUser(), device);
  const range = 'lastMs' in span ? ([now - span.lastMs, now] as const) : ([span.from, span.to] as const);
  return lines.map((line) => (
    <Paper key={line.key} withBorder p="xs">
      <Chart
        name={line.label}
        aside={
          mayRule && (
            <Anchor component={Link} {...newRuleLink(device.id, line.key, line)} size="sm">
              {t('make_rule')}
            </Anchor>
          )
        }
        series={[line]}
        label={t('chart_of', { metric: line.label })}
        range={range}
        height={200}
        syncKey={`charts-${device.id}`}
        onRange={([from, to]) => onZoom(from, to)}
        onReset={onReset}
      />
    </Paper>
  ));
}

interface ChartsProps {
  readonly lines: readonly ChartSeries[];
  readonly device: Device;
  readonly span: Span;
  readonly onZoom: (from: number, to: number) => void;
  readonly onReset: () => void;
}
