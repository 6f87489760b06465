import { Button, Group, Paper, Stack } from '@mantine/core';
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
import { CommandFields, useCommandForm } from '#console/pages/device/commands/command-fields.tsx';
import { manyTexts } from './many.texts.ts';

/** One command to many devices; what becomes of it is shown in the list of its batch. */
export function SendToManyPage() {
  const t = useTexts(manyTexts);
  const navigate = useNavigate();
  const [target, setTarget] = useState(NO_TARGET);
  const form = useCommandForm();
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const query = { size: 100, sort: '-created_at' };
  const { data: recent } = api.useQuery('get', '/api/v1/commands', { params: { query } });
  const known = new Set((recent?.items ?? []).map((each) => each.command));
  const chosen = targetOf(target);
  const flaws = fieldErrors(error);

  const send = async (event: FormEvent) => {
    event.preventDefault();
    if (form.body === undefined || chosen === undefined) return;
    setBusy(true);
    try {
      const answer = await client.POST('/api/v1/commands', { body: { target: chosen, ...form.body } });
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
          <CommandFields form={form} known={known} flaws={flaws} />
          <Group justify="flex-end">
            <Button
              type="submit"
              leftSection={<IconSend size={16} />}
              loading={busy}
              disabled={!form.isReady || chosen === undefined}
            >
              {t('send')}
            </Button>
          </Group>
        </Stack>
      </Paper>
    </>
  );
}
