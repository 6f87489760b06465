import { Button, Drawer, FileInput, Group, Progress, Stack, Text, Textarea, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { fieldErrors } from '#console/api/problem.ts';
import { BASE } from '#console/app/base.ts';
import { common } from '#console/app/common.texts.ts';
import { Failure } from '#console/components/states.tsx';
import { succeeded } from '#console/components/toast.ts';
import { useTexts } from '#console/i18n/texts.ts';
import { fieldTexts } from '#console/records/field.texts.ts';
import { accessToken, refresh } from '#console/session/session.ts';
import { firmwareTexts } from './firmware.texts.ts';

/** Sends a file and tells how far it is, which `fetch` does not. @throws the API's problem */
function send(path: string, token: string | null, file: File, onProgress: (percent: number) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open('POST', `${BASE}${path}`);
    request.setRequestHeader('authorization', `Bearer ${token}`);
    request.setRequestHeader('content-type', 'application/octet-stream');
    request.responseType = 'json';
    request.upload.onprogress = ({ loaded, total }) => onProgress(Math.round((100 * loaded) / total));
    request.onload = () => (request.status === 201 ? resolve() : reject(request.response));
    request.onerror = () => reject(new Error('network'));
    request.send(file);
  });
}

export function UploadFirmware({ opened, onClose }: { readonly opened: boolean; readonly onClose: () => void }) {
  const t = useTexts(firmwareTexts);
  const field = useTexts(fieldTexts);
  const words = useTexts(common);
  const cache = useQueryClient();
  const [percent, setPercent] = useState<number | null>(null);
  const [error, setError] = useState<unknown>(null);
  const form = useForm({
    initialValues: { file: null as File | null, device_type: '', version: '', notes: '' },
    validate: { file: (file) => (file === null ? t('choose') : null) },
  });

  const submit = form.onSubmit(async ({ file, ...about }) => {
    if (file === null) return;
    const query = new URLSearchParams(Object.entries(about).filter(([, value]) => value !== ''));
    setPercent(0);
    setError(null);
    try {
      // It may take longer than the rest of the token's life: with a new one it begins.
      await send(`/api/v1/firmware?${query}`, (await refresh()) ?? accessToken(), file, setPercent);
      succeeded(words('saved'));
      await cache.invalidateQueries();
      form.reset();
      onClose();
    } catch (failure) {
      setError(failure);
      form.setErrors(fieldErrors(failure));
    } finally {
      setPercent(null);
    }
  });

  return (
    <Drawer
      opened={opened}
      onClose={onClose}
      title={t('upload')}
      position="right"
      closeButtonProps={{ 'aria-label': words('close') }}
    >
      <form onSubmit={submit} noValidate>
        <Stack>
          {error !== null && <Failure error={error} />}
          <FileInput label={t('image')} placeholder={t('choose')} withAsterisk {...form.getInputProps('file')} />
          <TextInput label={field('device_type')} withAsterisk {...form.getInputProps('device_type')} />
          <TextInput
            label={field('version')}
            description={t('version_hint')}
            withAsterisk
            placeholder="1.5.0"
            {...form.getInputProps('version')}
          />
          <Textarea label={field('notes')} {...form.getInputProps('notes')} />
          {percent !== null && (
            <div>
              <Progress value={percent} aria-label={t('progress', { percent })} />
              <Text size="xs">{t('progress', { percent })}</Text>
            </div>
          )}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              {words('cancel')}
            </Button>
            <Button type="submit" loading={percent !== null}>
              {t('upload')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Drawer>
  );
}
