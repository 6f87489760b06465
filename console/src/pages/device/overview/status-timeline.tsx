import { Box, Group, Loader, Paper, SegmentedControl, SimpleGrid, Stack, Text, Title, Tooltip } from '@mantine/core';
import { useState } from 'react';
import { api } from '#console/api/client.ts';
import type { components } from '#console/api/schema.d.ts';
import { Failure } from '#console/components/states.tsx';
import { formatInstant, formatSpan, Instant, useNow } from '#console/i18n/format.tsx';
import { useApiWords, useLanguage } from '#console/i18n/language.tsx';
import { useTexts } from '#console/i18n/texts.ts';
import { isAtLeast, useUser } from '#console/session/session.ts';
import { type Device, STATUS_COLOUR } from '../device.data.ts';
import { overviewTexts } from './overview.texts.ts';

type Status = Device['status'];

interface Segment {
  readonly status: Status;
  readonly from: number;
  readonly to: number;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const SPANS = { day: DAY_MS, week: 7 * DAY_MS, month: 30 * DAY_MS } as const;
type SpanName = keyof typeof SPANS;

/** What the status was when, of the log of its changes, newest first. */
function segmentsOf(
  logs: readonly components['schemas']['DeviceLog'][],
  { status, from, to }: Segment,
): readonly Segment[] {
  const segments: Segment[] = [];
  let end = to;
  let current = status;
  for (const { source, payload, timestamp } of logs) {
    const change = payload as { readonly from?: unknown; readonly to?: unknown } | null;
    if (source !== 'server' || !isStatus(change?.from) || !isStatus(change.to)) continue;
    const at = Math.max(Date.parse(timestamp), from);
    segments.push({ status: change.to, from: at, to: end });
    current = change.from;
    end = at;
  }
  segments.push({ status: current, from, to: end });
  return segments.filter((segment) => segment.to > segment.from).reverse();
}

const isStatus = (value: unknown): value is Status => typeof value === 'string' && Object.hasOwn(STATUS_COLOUR, value);

/** What the status was when, with the figures of it where the role may see them. */
export function StatusTimeline({ device }: { readonly device: Device }) {
  const t = useTexts(overviewTexts);
  const { role } = useUser();
  const [span, setSpan] = useState<SpanName>('day');
  const now = useNow(10_000);
  const from = Math.max(now - SPANS[span], Date.parse(device.created_at));
  // It moves on by the minute, so that the answer can be kept for as long.
  const start = new Date(Math.floor(from / 60_000) * 60_000).toISOString();
  const { data, error, refetch } = api.useQuery(
    'get',
    '/api/v1/devices/{device_id}/logs',
    {
      params: {
        path: { device_id: device.id },
        query: { event_type: ['status_changed'], start, limit: 1_000, order: 'desc' },
      },
    },
    { placeholderData: (before) => before, refetchInterval: 30_000 },
  );
  const oldest = data?.next_cursor ? data.items.at(-1)?.timestamp : undefined;
  const segments =
    data && segmentsOf(data.items, { status: device.status, from: oldest ? Date.parse(oldest) : from, to: now });
  return (
    <Paper withBorder p="md" component="section">
      <Group justify="space-between" mb="sm">
        <Title order={2} size="h5">
          {t('status')}
        </Title>
        <SegmentedControl
          size="xs"
          aria-label={t('status_span')}
          value={span}
          onChange={(next) => setSpan(next as SpanName)}
          data={(Object.keys(SPANS) as SpanName[]).map((value) => ({ value, label: t(value) }))}
        />
      </Group>
      {error && <Failure error={error} onRetry={() => void refetch()} />}
      {segments === undefined && !error && <Loader size="sm" />}
      {segments !== undefined && <Bar segments={segments} />}
      {isAtLeast(role, 'MANAGER') && <Figures device={device} start={start} />}
    </Paper>
  );
}

function Bar({ segments }: { readonly segments: readonly Segment[] }) {
  const { valueText } = useApiWords();
  const t = useTexts(overviewTexts);
  const { language } = useLanguage();
  const first = segments[0];
  const last = segments.at(-1);
  if (first === undefined || last === undefined) return <Text size="sm">{t('no_status')}</Text>;
  const whole = last.to - first.from;
  const shares = new Map<Status, number>();
  for (const { status, from, to } of segments) shares.set(status, (shares.get(status) ?? 0) + to - from);
  const percent = new Intl.NumberFormat(language, { style: 'percent', maximumFractionDigits: 1 });
  const parts = [...shares].map(([status, ms]) => `${valueText('status', status)} ${percent.format(ms / whole)}`);
  const instants = (at: number) => formatInstant(at, language);
  return (
    <Stack gap={6}>
      <Group
        gap={0}
        wrap="nowrap"
        h={22}
        bdrs="sm"
        role="img"
        aria-label={t('timeline', { parts: parts.join(', ') })}
        style={{ overflow: 'hidden' }}
      >
        {segments.map(({ status, from, to }) => (
          <Tooltip
            key={`${from}-${status}`}
            label={`${valueText('status', status)}: ${instants(from)} – ${instants(to)}`}
          >
            <Box h="100%" miw={1} bg={STATUS_COLOUR[status]} style={{ flex: `${to - from} 1 0` }} />
          </Tooltip>
        ))}
      </Group>
      <Group justify="space-between" gap="xs">
        <Text size="xs" c="dimmed">
          {instants(first.from)}
        </Text>
        <Text size="xs" c="dimmed">
          {instants(last.to)}
        </Text>
      </Group>
      <Group gap="md">
        {[...shares.keys()].map((status, index) => (
          <Group key={status} gap={6} wrap="nowrap">
            <Box w={10} h={10} bdrs="xl" bg={STATUS_COLOUR[status]} />
            <Text size="xs">{parts[index]}</Text>
          </Group>
        ))}
      </Group>
    </Stack>
  );
}

/** Of the same span, as the analytics have counted: time in which the server did not run is neither up nor down. */
function Figures({ device, start }: { readonly device: Device; readonly start: string }) {
  const t = useTexts(overviewTexts);
  const { language } = useLanguage();
  const { data } = api.useQuery(
    'get',
    '/api/v1/analytics/status/{device_id}',
    { params: { path: { device_id: device.id }, query: { start } } },
    { placeholderData: (before) => before },
  );
  if (data === undefined) return null;
  const percent = new Intl.NumberFormat(language, { style: 'percent', maximumFractionDigits: 2 });
  const figures: readonly (readonly [string, React.ReactNode])[] = [
    [t('uptime'), data.uptime_ratio === null ? t('unknown') : percent.format(data.uptime_ratio)],
    [t('since'), <Instant key="since" at={data.current_since} ago />],
    [t('transitions'), data.transitions],
    [t('failures'), data.failures],
    [t('mtbf'), data.mtbf_hours === null ? '–' : formatSpan(data.mtbf_hours * HOUR_MS, language)],
  ];
  return (
    <SimpleGrid cols={{ base: 2, xs: 3 }} mt="md" spacing="xs">
      {figures.map(([label, value]) => (
        <div key={label}>
          <Text size="xs" c="dimmed">
            {label}
          </Text>
          <Text size="sm" fw={600}>
            {value}
          </Text>
        </div>
      ))}
    </SimpleGrid>
  );
}
