import { Anchor, Button, Code, Progress } from '@mantine/core';
import { IconSend } from '@tabler/icons-react';
import { Link, useSearch } from '@tanstack/react-router';
import { client } from '#console/api/client.ts';
import { useApiWords } from '#console/i18n/language.tsx';
import { defineTexts, useTexts } from '#console/i18n/texts.ts';
import { instantColumn, statusColumn } from '#console/records/columns.tsx';
import { fieldTexts } from '#console/records/field.texts.ts';
import { RecordsPage } from '#console/records/records.page.tsx';
import type { Records } from '#console/records/records.types.ts';
import { BatchProgress } from './batch-progress.tsx';
import { manyTexts } from './many.texts.ts';
import { isOpen } from './open-commands.ts';

const texts = defineTexts({
  en: {
    title: 'Commands',
    empty: 'No commands yet',
    empty_text: 'A command tells a device what to do. Send one from the page of a device.',
    cancel: 'Cancel',
    params: 'Parameters',
    progress: 'Progress',
  },
  ko: {
    title: '명령',
    empty: '아직 명령이 없습니다',
    empty_text: '명령은 디바이스가 할 일을 알려 줍니다. 디바이스 페이지에서 보낼 수 있습니다.',
    cancel: '취소',
    params: '매개변수',
    progress: '진행률',
  },
});

const STATES = [
  'QUEUED',
  'SENT',
  'DELIVERED',
  'IN_PROGRESS',
  'SUCCEEDED',
  'FAILED',
  'EXPIRED',
  'CANCELLED',
  'REJECTED',
  'SUPERSEDED',
];

export function CommandsPage() {
  const t = useTexts(texts);
  const field = useTexts(fieldTexts);
  const many = useTexts(manyTexts);
  const { choices } = useApiWords();
  const batch = String((useSearch({ strict: false }) as { readonly batch_id?: unknown }).batch_id ?? '');
  const sendToMany = (
    <Button component={Link} to="/commands/send" leftSection={<IconSend size={16} />}>
      {many('open')}
    </Button>
  );
  const records: Records<'/api/v1/commands'> = {
    name: 'commands',
    path: '/api/v1/commands',
    title: t('title'),
    sort: '-created_at',
    keyOf: ({ id }) => id,
    nameOf: ({ command, device_uid }) => `${command} → ${device_uid}`,
    columns: [
      { key: 'command', label: field('command') },
      {
        key: 'device_uid',
        label: field('device'),
        render: ({ device_id, device_uid }) => (
          <Anchor component={Link} to={`/devices/${device_id}?tab=commands`} inherit>
            {device_uid}
          </Anchor>
        ),
      },
      statusColumn('status', field('status'), {}),
      {
        key: 'progress',
        label: t('progress'),
        render: ({ progress, status }) =>
          progress === null || !isOpen(status) ? (
            '–'
          ) : (
            <Progress value={progress} w={80} aria-label={`${progress} %`} />
          ),
      },
      instantColumn('created_at', field('created'), { ago: true }),
      {
        key: 'params',
        label: t('params'),
        optional: true,
        render: ({ params }) => (params === null ? '–' : <Code>{JSON.stringify(params)}</Code>),
      },
      {
        key: 'result',
        label: field('result'),
        render: ({ result, error }) => error ?? (result === null ? '–' : <Code>{JSON.stringify(result)}</Code>),
      },
      instantColumn('expires_at', field('expires'), { optional: true, sortable: false }),
      { key: 'batch_id', label: field('batch'), optional: true },
    ],
    filters: [
      {
        key: 'status',
        label: field('status'),
        several: true,
        options: choices('status', STATES),
      },
      { key: 'command', label: field('command') },
      { key: 'device_id', label: field('device'), kind: 'device' },
      { key: 'batch_id', label: field('batch') },
    ],
    bulk: [
      {
        key: 'cancel',
        label: t('cancel'),
        least: 'MANAGER',
        run: ({ device_id, command_id }) =>
          client.POST('/api/v1/devices/{device_id}/commands/{command_id}/cancel', {
            params: { path: { device_id, command_id } },
          }),
      },
    ],
    actions: sendToMany,
    empty: { title: t('empty'), text: t('empty_text'), action: sendToMany },
  };
  return (
    <>
      {batch !== '' && <BatchProgress id={batch} />}
      <RecordsPage records={records} />
    </>
  );
}
