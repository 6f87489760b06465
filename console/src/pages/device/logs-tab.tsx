import { Badge, Button, Code, Group, Loader, Stack, Table, TagsInput, Text } from '@mantine/core';
import { IconRefresh } from '@tabler/icons-react';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { client } from '#console/api/client.ts';
import type { components } from '#console/api/schema.d.ts';
import { Empty, Failure } from '#console/components/states.tsx';
import { WideTable } from '#console/components/wide-table.tsx';
import { Instant } from '#console/i18n/format.tsx';
import { useApiWords } from '#console/i18n/language.tsx';
import { defineTexts, useTexts } from '#console/i18n/texts.ts';
import type { Device } from './device.data.ts';

type DeviceLog = components['schemas']['DeviceLog'];

const texts = defineTexts({
  en: {
    filter: 'Only these events',
    filter_hint: 'boot, status_changed…',
    clear: 'Show all events',
    refresh: 'Refresh',
    more: 'Older ones',
    title: 'Logs',
    at: 'When',
    level: 'Level',
    event: 'Event',
    source: 'Written by',
    server: 'the server',
    device: 'the device',
    message: 'Message',
    empty: 'No logs',
    empty_text:
      'What the device reports on its topic for logs, and each change of its status, is kept here for 90 days.',
    loading: 'Loading…',
  },
  ko: {
    filter: '이벤트 필터',
    filter_hint: '예: boot, status_changed',
    clear: '모든 이벤트 보기',
    refresh: '새로고침',
    more: '이전 로그 더 보기',
    title: '로그',
    at: '시각',
    level: '수준',
    event: '이벤트',
    source: '기록한 곳',
    server: '서버',
    device: '디바이스',
    message: '메시지',
    empty: '로그가 없습니다',
    empty_text: '디바이스가 로그 토픽으로 보낸 내용과 상태 변경을 90일 동안 보관합니다.',
    loading: '불러오는 중…',
  },
});

const LEVEL_COLOUR: Readonly<Record<DeviceLog['level'], string>> = {
  debug: 'gray.7',
  info: 'indigo.8',
  warning: 'orange.9',
  error: 'red.9',
  critical: 'red.9',
};
const SIZE = 50;
/** With so few pages on the screen they are read again by themselves. */
const FRESH_PAGES = 2;

/** What the device says of itself and what the server writes of it, the newest first. */
export function LogsTab({ device }: { readonly device: Device }) {
  const t = useTexts(texts);
  const [events, setEvents] = useState<string[]>([]);
  const logs = useInfiniteQuery({
    queryKey: ['device-logs', device.id, events],
    initialPageParam: null as string | null,
    queryFn: async ({ pageParam, signal }) => {
      const { data, error } = await client.GET('/api/v1/devices/{device_id}/logs', {
        params: {
          path: { device_id: device.id },
          query: {
            limit: SIZE,
            order: 'desc',
            ...(events.length === 0 ? {} : { event_type: events }),
            ...(pageParam === null ? {} : { cursor: pageParam }),
          },
        },
        signal,
      });
      if (error !== undefined) throw error;
      return data;
    },
    getNextPageParam: ({ next_cursor }) => next_cursor,
    refetchInterval: ({ state }) => ((state.data?.pages.length ?? 0) <= FRESH_PAGES ? 10_000 : false),
  });
  const rows = logs.data?.pages.flatMap(({ items }) => items) ?? [];
  return (
    <Stack>
      <Group align="flex-end">
        <TagsInput
          label={t('filter')}
          placeholder={t('filter_hint')}
          data={[...new Set(rows.map(({ event_type }) => event_type))]}
          value={events}
          onChange={setEvents}
          clearable
          clearButtonProps={{ 'aria-label': t('clear') }}
          flex={1}
          miw={220}
          maw={480}
        />
        <Button
          variant="default"
          leftSection={<IconRefresh size={16} />}
          loading={logs.isFetching && !logs.isFetchingNextPage}
          onClick={() => void logs.refetch()}
        >
          {t('refresh')}
        </Button>
      </Group>
      {logs.error && <Failure error={logs.error} onRetry={() => void logs.refetch()} />}
      {logs.isLoading && <Loader aria-label={t('loading')} />}
      {logs.data !== undefined && rows.length === 0 && <Empty title={t('empty')} text={t('empty_text')} />}
      {rows.length > 0 && <Rows rows={rows} />}
      {logs.hasNextPage && (
        <Group justify="center">
          <Button variant="default" loading={logs.isFetchingNextPage} onClick={() => void logs.fetchNextPage()}>
            {t('more')}
          </Button>
        </Group>
      )}
    </Stack>
  );
}

/** What the server writes is said in its message already. */
const hasMore = (payload: unknown): boolean => payload !== null && payload !== undefined;

function Rows({ rows }: { readonly rows: readonly DeviceLog[] }) {
  const { valueText, sentenceText } = useApiWords();
  const t = useTexts(texts);
  return (
    <WideTable label={t('title')} minWidth={900}>
      <Table.Thead>
        <Table.Tr>
          <Table.Th>{t('at')}</Table.Th>
          <Table.Th>{t('level')}</Table.Th>
          <Table.Th>{t('event')}</Table.Th>
          <Table.Th>{t('source')}</Table.Th>
          <Table.Th>{t('message')}</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {rows.map(({ id, timestamp, level, event_type, source, message, payload }) => (
          <Table.Tr key={id}>
            <Table.Td style={{ whiteSpace: 'nowrap' }}>
              <Instant at={timestamp} />
            </Table.Td>
            <Table.Td>
              <Badge color={LEVEL_COLOUR[level]} miw="max-content">
                {valueText('level', level)}
              </Badge>
            </Table.Td>
            <Table.Td maw={200}>
              <div data-clamp>{event_type}</div>
            </Table.Td>
            <Table.Td>{t(source)}</Table.Td>
            <Table.Td maw={420}>
              {message !== null && (
                <Text size="sm" lineClamp={4}>
                  {source === 'server' ? sentenceText(message) : message}
                </Text>
              )}
              {hasMore(payload) && (source === 'device' || message === null) && <Code>{JSON.stringify(payload)}</Code>}
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </WideTable>
  );
}
