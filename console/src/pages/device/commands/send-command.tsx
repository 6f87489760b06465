import { Autocomplete, Button, Group, JsonInput, NumberInput, Paper, Select, SimpleGrid, Title } from '@mantine/core';
import { IconSend } from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { api, client } from '#console/api/client.ts';
import { fieldErrors } from '#console/api/problem.ts';
import type { components } from '#console/api/schema.d.ts';
import { Failure } from '#console/components/states.tsx';
import { failed, succeeded } from '#console/components/toast.ts';
import { useTexts } from '#console/i18n/texts.ts';
import type { Device } from '../device.data.ts';
import { deviceCommandsTexts } from './commands.texts.ts';

type Deliver = NonNullable<components['schemas']['NewCommand']['deliver']>;

const DELIVERIES: readonly Deliver[] = ['queue', 'now', 'latest_only'];

const HOUR_SECONDS = 3_600;

/** Undefined: not a JSON object. */
export function objectOf(text: string): Record<string, unknown> | undefined {
  if (text.trim() === '') return {};
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // Said at the field.
  }
  return undefined;
}

/** Of its own in each form, the same for every attempt: a command whose answer was lost is not made twice. */
const newKey = () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16)).join('-');

/** What was sent before, by name, with the parameters of the last time. */
function useKnown(device: Device): ReadonlyMap<string, unknown> {
  const params = { path: { device_id: device.id }, query: { size: 100, sort: '-created_at' } };
  const { data } = api.useQuery('get', '/api/v1/devices/{device_id}/commands', { params });
  const known = new Map<string, unknown>();
  for (const { command, params: last } of data?.items ?? []) if (!known.has(command)) known.set(command, last);
  return known;
}

export function SendCommand({ device }: { readonly device: Device }) {
  const t = useTexts(deviceCommandsTexts);
  const cache = useQueryClient();
  const known = useKnown(device);
  const [command, setCommand] = useState('');
  const [params, setParams] = useState('');
  const [deliver, setDeliver] = useState<Deliver>('queue');
  const [ttl, setTtl] = useState<number | string>(HOUR_SECONDS);
  const [key, setKey] = useState(newKey);
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const given = objectOf(params);
  const flaws = fieldErrors(error);
  const namesField = ['command', 'params', 'ttl_seconds', 'deliver'].some((field) => flaws[field] !== undefined);

  const choose = (name: string) => {
    const last = known.get(name);
    if (params.trim() === '' && last !== undefined && last !== null && Object.keys(last).length > 0)
      setParams(JSON.stringify(last, null, 2));
  };
  const send = async (event: FormEvent) => {
    event.preventDefault();
    if (given === undefined) return;
    setBusy(true);
    try {
      const answer = await client.POST('/api/v1/devices/{device_id}/commands', {
        params: { path: { device_id: device.id }, header: { 'idempotency-key': key } },
        body: { command, params: given, deliver, ttl_seconds: Number(ttl) || HOUR_SECONDS, wait_seconds: 0 },
      });
      setError(answer.error ?? null);
      // What was refused is another request when it has been mended.
      setKey(newKey());
      if (answer.error !== undefined) return;
      succeeded(t('sent'));
      setCommand('');
      setParams('');
      await cache.invalidateQueries({ queryKey: ['get', '/api/v1/devices/{device_id}/commands'] });
    } catch (failure) {
      failed(failure);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Paper withBorder p="md" component="form" onSubmit={send} noValidate>
      <Title order={2} size="h5" mb="sm">
        {t('send_title')}
      </Title>
      {error !== null && !namesField && <Failure error={error} />}
      <SimpleGrid cols={{ base: 1, sm: 3 }} mb="sm">
        <Autocomplete
          label={t('name')}
          placeholder={t('name_hint')}
          data={[...known.keys()]}
          value={command}
          onChange={setCommand}
          onOptionSubmit={choose}
          error={flaws['command']}
          withAsterisk
        />
        <Select
          label={t('deliver')}
          data={DELIVERIES.map((value) => ({ value, label: t(`deliver_${value}`) }))}
          value={deliver}
          allowDeselect={false}
          onChange={(next) => setDeliver((next ?? 'queue') as Deliver)}
          error={flaws['deliver']}
        />
        <NumberInput
          label={t('ttl')}
          value={ttl}
          onChange={setTtl}
          min={1}
          max={604_800}
          error={flaws['ttl_seconds']}
        />
      </SimpleGrid>
      <JsonInput
        label={t('params')}
        placeholder='{"speed": 3}'
        value={params}
        onChange={setParams}
        autosize
        minRows={2}
        maxRows={12}
        error={given === undefined ? t('not_json') : flaws['params']}
      />
      <Group justify="flex-end" mt="sm">
        <Button
          type="submit"
          leftSection={<IconSend size={16} />}
          loading={busy}
          disabled={command.trim() === '' || given === undefined}
        >
          {t('send')}
        </Button>
      </Group>
    </Paper>
  );
}
