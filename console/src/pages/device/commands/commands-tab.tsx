import { Loader, Stack, Title } from '@mantine/core';
import { keepPreviousData, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api } from '#console/api/client.ts';
import { useLive } from '#console/api/live.ts';
import type { components } from '#console/api/schema.d.ts';
import { Pages } from '#console/components/pages.tsx';
import { Empty, Failure } from '#console/components/states.tsx';
import { useTexts } from '#console/i18n/texts.ts';
import type { Device } from '../device.data.ts';
import { CommandCard } from './command-card.tsx';
import { deviceCommandsTexts } from './commands.texts.ts';
import { SendCommand } from './send-command.tsx';

const PATH = '/api/v1/devices/{device_id}/commands';
const SIZE = 10;

type CommandList = components['schemas']['CommandList'];

/** What the device was told to do, and what became of it, as it happens. */
export function CommandsTab({ device }: { readonly device: Device }) {
  const t = useTexts(deviceCommandsTexts);
  const cache = useQueryClient();
  const [page, setPage] = useState(1);
  const params = { path: { device_id: device.id }, query: { page, size: SIZE, sort: '-created_at' } };
  const { data, error, refetch } = api.useQuery('get', PATH, { params }, { placeholderData: keepPreviousData });
  const readAgain = () => void cache.invalidateQueries({ queryKey: ['get', PATH] });
  const show = (live: unknown) => {
    const command = live as components['schemas']['Command'];
    if (data?.items.some(({ id }) => id === command.id) !== true) readAgain();
    else
      cache.setQueriesData<CommandList>({ queryKey: ['get', PATH] }, (list) =>
        list === undefined
          ? list
          : { ...list, items: list.items.map((each) => (each.id === command.id ? command : each)) },
      );
  };
  useLive({ device_uid: device.device_uid }, 'command', show, readAgain);
  return (
    <Stack>
      <SendCommand device={device} />
      <Title order={2} size="h5">
        {t('list')}
      </Title>
      {error && <Failure error={error} onRetry={() => void refetch()} />}
      {data === undefined && !error && <Loader aria-label={t('loading')} />}
      {data?.total === 0 && <Empty title={t('empty')} text={t('empty_text')} />}
      {data?.items.map((command) => (
        <CommandCard key={command.id} command={command} />
      ))}
      {data !== undefined && data.pages > 1 && <Pages total={data.pages} value={page} onChange={setPage} />}
    </Stack>
  );
}
