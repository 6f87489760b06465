import { Button, Group, Paper, Title } from '@mantine/core';
import { IconSend } from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { api, client } from '#console/api/client.ts';
import { fieldErrors } from '#console/api/problem.ts';
import { Failure } from '#console/components/states.tsx';
import { failed, succeeded } from '#console/components/toast.ts';
import { useTexts } from '#console/i18n/texts.ts';
import type { Device } from '../device.data.ts';
import { CommandFields, useCommandForm } from './command-fields.tsx';
import { deviceCommandsTexts } from './commands.texts.ts';

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
  const form = useCommandForm();
  const [key, setKey] = useState(newKey);
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const flaws = fieldErrors(error);
  const namesField = ['command', 'params', 'ttl_seconds', 'deliver'].some((field) => flaws[field] !== undefined);

  const choose = (name: string) => {
    const last = known.get(name);
    if (form.params.trim() === '' && last !== undefined && last !== null && Object.keys(last).length > 0)
      form.setParams(JSON.stringify(last, null, 2));
  };
  const send = async (event: FormEvent) => {
    event.preventDefault();
    if (form.body === undefined) return;
    setBusy(true);
    try {
      const answer = await client.POST('/api/v1/devices/{device_id}/commands', {
        params: { path: { device_id: device.id }, header: { 'idempotency-key': key } },
        body: { ...form.body, wait_seconds: 0 },
      });
      setError(answer.error ?? null);
      // What was refused is another request when it has been mended.
      setKey(newKey());
      if (answer.error !== undefined) return;
      succeeded(t('sent'));
      form.setCommand('');
      form.setParams('');
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
      <CommandFields form={form} known={known.keys()} flaws={flaws} onChoose={choose} />
      <Group justify="flex-end" mt="sm">
        <Button type="submit" leftSection={<IconSend size={16} />} loading={busy} disabled={!form.isReady}>
          {t('send')}
        </Button>
      </Group>
    </Paper>
  );
}
