import { Anchor, Group, Loader, Text } from '@mantine/core';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useMemo, useState } from 'react';
import { api } from '#console/api/client.ts';
import { isProblem } from '#console/api/problem.ts';
import { Chart } from '#console/charts/chart.tsx';
import type { Range } from '#console/charts/time-chart.tsx';
import { Failure } from '#console/components/states.tsx';
import { useTexts } from '#console/i18n/texts.ts';
import { lineOf, readAggregated, readRaw } from '#console/pages/device/telemetry.data.ts';
import { levelsOf, SEVERITY_COLOUR } from '#console/pages/rules/rule.levels.ts';
import { isAtLeast, useUser } from '#console/session/session.ts';
import type { Alert } from './alert-detail.tsx';
import { alertsTexts } from './alerts.texts.ts';

const LEAST_PAD_MS = 15 * 60_000;

type Span = Pick<Alert, 'started_at' | 'cleared_at' | 'last_seen_at'>;

/** The alert with what came before and after it: half its length on each side, a quarter of an hour at the least. */
function rangeAround({ started_at, cleared_at, last_seen_at }: Span): Range {
  const from = Date.parse(started_at);
  const to = Date.parse(cleared_at ?? last_seen_at);
  const pad = Math.max((to - from) / 2, LEAST_PAD_MS);
  return [from - pad, Math.max(Math.min(to + pad, Date.now()), to)];
}

/** The metric of the alert's rule around the time of the alert, with its threshold. */
export function AlertChart({ alert }: { readonly alert: Alert }) {
  const t = useTexts(alertsTexts);
  const { role } = useUser();
  const isAggregated = isAtLeast(role, 'MANAGER');
  const { data: rule, error: ruleError } = api.useQuery(
    'get',
    '/api/v1/monitoring/alert-rules/{rule_id}',
    { params: { path: { rule_id: alert.rule_id } } },
    { retry: false },
  );
  const metric = rule?.metric ?? null;
  const [zoom, setZoom] = useState<Range | null>(null);
  // As of now, whenever the alert has changed: with every glance at the clock it would be read again and again.
  const { started_at, cleared_at, last_seen_at } = alert;
  const around = useMemo(
    () => rangeAround({ started_at, cleared_at, last_seen_at }),
    [started_at, cleared_at, last_seen_at],
  );
  const [from, to] = zoom ?? around;
  const { data, error, refetch } = useQuery({
    queryKey: ['alert-chart', alert.device_id, metric, from, to, isAggregated],
    enabled: metric !== null,
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) => {
      const asked = { id: alert.device_id, metrics: [metric ?? ''], from, to };
      return isAggregated ? readAggregated(asked, signal) : readRaw(asked, signal);
    },
  });
  const series = useMemo(() => (metric === null ? [] : [lineOf(metric, data?.get(metric), undefined)]), [data, metric]);
  if (ruleError !== null) {
    const isGone = isProblem(ruleError) && ruleError.status === 404;
    return isGone ? <Note text={t('rule_gone')} /> : <Failure error={ruleError} />;
  }
  if (rule === undefined) return <Loader size="sm" aria-hidden />;
  if (metric === null) return <Note text={t('no_metric')} />;
  if (error !== null) return <Failure error={error} onRetry={() => void refetch()} />;
  const color = SEVERITY_COLOUR[alert.severity];
  const search = {
    devices: alert.device_id,
    metrics: metric,
    start: Math.round(from),
    end: Math.round(to),
    show: 'thresholds,alerts',
  };
  return (
    <div>
      <Chart
        name={metric}
        series={series}
        label={t('chart', { metric })}
        range={[from, to]}
        height={200}
        thresholds={levelsOf(alert.threshold).map((value) => ({ value, label: t('threshold'), color }))}
        spans={[
          {
            from: Date.parse(alert.started_at),
            to: alert.cleared_at === null ? Date.now() : Date.parse(alert.cleared_at),
            color: `${color}2e`,
          },
        ]}
        onRange={setZoom}
        onReset={() => setZoom(null)}
      />
      {isAggregated && (
        <Group justify="flex-end">
          <Anchor component={Link} to="/explore" search={search as never} size="sm">
            {t('explore')}
          </Anchor>
        </Group>
      )}
    </div>
  );
}

function Note({ text }: { readonly text: string }) {
  return (
    <Text size="sm" c="dimmed">
      {text}
    </Text>
  );
}
