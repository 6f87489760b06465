import { Group, Loader, Select, Text, Title } from '@mantine/core';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { client } from '#console/api/client.ts';
import { PageHeader } from '#console/components/page-header.tsx';
import { Pages } from '#console/components/pages.tsx';
import { Empty, Failure } from '#console/components/states.tsx';
import { useTexts } from '#console/i18n/texts.ts';
import { BulkBar } from './bulk-bar.tsx';
import { PAGE_SIZES, queryOf, useListState } from './records.state.ts';
import { RecordsTable } from './records.table.tsx';
import { recordTexts } from './records.texts.ts';
import { RecordsToolbar } from './records.toolbar.tsx';
import type { ListPath, Records, RowOf } from './records.types.ts';

interface Page<Row> {
  readonly items: readonly Row[];
  readonly total: number;
  readonly pages: number;
}

/** One page of a list. Its key begins like those of `api.useQuery`, so that one invalidation reaches both. */
function useRecords<Path extends ListPath>(records: Records<Path>, query: Readonly<Record<string, unknown>>) {
  return useQuery({
    queryKey: ['get', records.path, { params: { query } }],
    queryFn: async ({ signal }) => {
      const { data, error } = await client.GET(records.path as never, { params: { query }, signal } as never);
      if (error !== undefined) throw error;
      return data as unknown as Page<RowOf<Path>>;
    },
    placeholderData: keepPreviousData,
    refetchInterval: records.refreshMs ?? false,
  });
}

/** The page of one kind of record: search, filters, saved views, columns, sorting, CSV, and what is done to many. */
export function RecordsPage<Path extends ListPath>({ records }: { readonly records: Records<Path> }) {
  const t = useTexts(recordTexts);
  const [state, change] = useListState(records);
  const query = queryOf(state, records);
  const { data, error, isFetching, refetch } = useRecords(records, query);
  const [picked, setPicked] = useState<ReadonlyMap<string | number, RowOf<Path>>>(new Map());

  const isFiltered = state.q !== '' || Object.values(state.filters).some((values) => values.length > 0);
  return (
    <>
      {records.isPart === true ? (
        <Group justify="space-between" mb="sm">
          <div>
            <Title order={2} size="h4">
              {records.title}
            </Title>
            {records.text !== undefined && (
              <Text size="sm" c="dimmed">
                {records.text}
              </Text>
            )}
          </div>
          {records.actions}
        </Group>
      ) : (
        <PageHeader title={records.title} {...(records.text === undefined ? {} : { text: records.text })}>
          {records.actions}
        </PageHeader>
      )}
      <RecordsToolbar records={records} state={state} change={change} />
      {records.bulk && picked.size > 0 && (
        <BulkBar actions={records.bulk} picked={picked} nameOf={records.nameOf} onDone={() => setPicked(new Map())} />
      )}
      {error && <Failure error={error} onRetry={() => void refetch()} />}
      {data === undefined && !error && <Loader aria-label={t('search')} mt="lg" />}
      {data && data.total > 0 && (
        <RecordsTable
          records={records}
          rows={data.items}
          state={state}
          change={change}
          picked={picked}
          onPick={setPicked}
        />
      )}
      {data?.total === 0 &&
        (isFiltered ? <Empty title={t('nothing')} text={t('nothing_text')} /> : <Empty {...records.empty} />)}
      {data && data.total > 0 && (
        <Group justify="space-between" mt="md">
          <Group gap="xs">
            <Text size="sm" c="dimmed">
              {t('total', { count: data.total })}
            </Text>
            {isFetching && <Loader size={14} aria-hidden />}
          </Group>
          <Group gap="sm">
            <Select
              aria-label={t('rows')}
              size="xs"
              w={76}
              allowDeselect={false}
              data={[...PAGE_SIZES]}
              value={String(state.size)}
              onChange={(size) => change({ size: Number(size) })}
            />
            <Pages total={data.pages} value={state.page} onChange={(page) => change({ page })} />
          </Group>
        </Group>
      )}
    </>
  );
}
