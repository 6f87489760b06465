import { Autocomplete, Button, Group, JsonInput, NumberInput, Paper, Select, SimpleGrid, Stack } from '@mantine/core';
import { IconSend } from '@tabler/icons-react';
import { useNavigate } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import { api, client } from '#console/api/client.ts';
import { fieldErrors } from '#console/api/problem.ts';
import { PageHeader } from '#console/components/page-header.tsx';
import { Failure } from '#console/components/states.tsx';
import { NO_TARGET, TargetPicker, targetOf } from '#console/components/target-picker.tsx';
import { succeeded } from '#console/components/toast.ts';
import { useTexts } from '#console/i18n/texts.ts';
import { deviceCommandsTexts } from '#console/pages/device/commands/commands.texts.ts';
import { objectOf } from '#console/pages/device/commands/send-command.tsx';
import { manyTexts } from './many.texts.ts';

const DELIVERIES = ['queue', 'now', 'latest_only'] as const;
const HOUR_SECONDS = 3_600;

/** One command to many devices; what becomes of it is shown in the list of its batch. */
export function SendToManyPage() {
  const t = useTexts(manyTexts);
  const words = useTexts(deviceCommandsTexts);
  const navigate = useNavigate();
  const [target, setTarget] = useState(NO_TARGET);
  const [command, setCommand] = useState('');
  const [params, setParams] = useState('');
  const [deliver, setDeliver] = useState<(typeof DELIVERIES)[number]>('queue');
  const [ttl, setTtl] = useState<number | string>(HOUR_SECONDS);
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const query = { size: 100, sort: '-created_at' };
  const { data: recent } = api.useQuery('get', '/api/v1/commands', { params: { query } });
  const known = [...new Set((recent?.items ?? []).map((each) => each.command))];
  const given = objectOf(params);
  const chosen = targetOf(target);
  const flaws = fieldErrors(error);

  const send = async (event: FormEvent) => {
    event.preventDefault();
    if (given === undefined || chosen === undefined) return;
    setBusy(true);
    try {
      const ttl_seconds = Number(ttl) || HOUR_SECONDS;
      const body = { target: chosen, command, params: given, deliver, ttl_seconds };
      const answer = await client.POST('/api/v1/commands', { body });
      setError(answer.error ?? null);
      if (answer.error !== undefined) return;
      succeeded(t('taken', { count: answer.data.devices }));
      await navigate({ to: '/commands' as string, search: { batch_id: answer.data.batch_id } as never });
    } catch (failure) {
      setError(failure);
    } finally {
      setBusy(false);
    }
  };
  return (
    <>
      <PageHeader title={t('title')} text={t('text')} />
      <Paper withBorder p="md" component="form" onSubmit={send} noValidate>
        <Stack>
          {error !== null && <Failure error={error} />}
          <TargetPicker value={target} onChange={setTarget} error={flaws['target']} />
          <SimpleGrid cols={{ base: 1, sm: 3 }}>
            <Autocomplete
              label={words('name')}
              placeholder={words('name_hint')}
              data={known}
              value={command}
              onChange={setCommand}
              error={flaws['command']}
              withAsterisk
            />
            <Select
              label={words('deliver')}
              data={DELIVERIES.map((value) => ({ value, label: words(`deliver_${value}`) }))}
              value={deliver}
              allowDeselect={false}
              onChange={(next) => setDeliver((next ?? 'queue') as typeof deliver)}
            />
            <NumberInput
              label={words('ttl')}
              value={ttl}
              onChange={setTtl}
              min={1}
              max={604_800}
              error={flaws['ttl_seconds']}
            />
          </SimpleGrid>
          <JsonInput
            label={words('params')}
            placeholder='{"speed": 3}'
            value={params}
            onChange={setParams}
            autosize
            minRows={2}
            maxRows={12}
            error={given === undefined ? words('not_json') : flaws['params']}
          />
          <Group justify="flex-end">
            <Button
              type="submit"
              leftSection={<IconSend size={16} />}
              loading={busy}
              disabled={command.trim() === '' || given === undefined || chosen === undefined}
            >
              {t('send')}
            </Button>
          </Group>
        </Stack>
      </Paper>
    </>
  );
}
