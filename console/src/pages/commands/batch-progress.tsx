import { Group, Paper, Text } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useEffect } from 'react';
import { api } from '#console/api/client.ts';
import { StateBar } from '#console/components/state-bar.tsx';
import { useTexts } from '#console/i18n/texts.ts';
import { manyTexts } from './many.texts.ts';

const OPEN = ['QUEUED', 'SENT', 'DELIVERED', 'IN_PROGRESS'];
const LIVE_MS = 2_000;

type Counts = Readonly<Record<string, number>>;
const sumOf = (counts: Counts, states: readonly string[]) =>
  states.reduce((sum, state) => sum + (counts[state] ?? 0), 0);

/** How far the commands of one batch are, read again for as long as one of them is open. */
export function BatchProgress({ id }: { readonly id: string }) {
  const t = useTexts(manyTexts);
  const cache = useQueryClient();
  const { data } = api.useQuery(
    'get',
    '/api/v1/commands',
    { params: { query: { batch_id: [id], size: 1 } } },
    {
      // A batch is written bit by bit: at first there may be none.
      refetchInterval: ({ state }) =>
        state.data === undefined || state.data.total === 0 || sumOf(state.data.counts, OPEN) > 0 ? LIVE_MS : 10_000,
    },
  );
  const told = JSON.stringify(data?.counts);
  useEffect(() => {
    if (told !== undefined) void cache.invalidateQueries({ queryKey: ['get', '/api/v1/commands'], predicate: isList });
  }, [told, cache]);
  if (data === undefined || data.total === 0) return null;
  return (
    <Paper withBorder p="md" mb="md" component="section" aria-label={t('batch')}>
      <Group justify="space-between" mb="xs">
        <Text fw={600}>{t('batch')}</Text>
        <Text size="sm" c="dimmed" aria-live="polite">
          {t('done', { done: data.total - sumOf(data.counts, OPEN), total: data.total })}
        </Text>
      </Group>
      <StateBar counts={data.counts} label={t('batch')} />
    </Paper>
  );
}

/** The list below, not the count itself: that would read itself for ever. */
function isList({ queryKey }: { readonly queryKey: readonly unknown[] }): boolean {
  const { params } = (queryKey[2] ?? {}) as { readonly params?: { readonly query?: { readonly size?: number } } };
  return params?.query?.size !== 1;
}
