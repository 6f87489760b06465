import { Code, Text } from '@mantine/core';
import { UserName } from '#console/components/record-name.tsx';
import { useApiWords } from '#console/i18n/language.tsx';
import { defineTexts, useTexts } from '#console/i18n/texts.ts';
import { instantColumn } from '#console/records/columns.tsx';
import { fieldTexts } from '#console/records/field.texts.ts';
import { RecordsPage } from '#console/records/records.page.tsx';
import type { Records } from '#console/records/records.types.ts';
import { ACTIONS, RECORDS } from './audit.names.ts';

const texts = defineTexts({
  en: {
    title: 'Audit trail',
    text: 'Who did what, and what was refused.',
    empty: 'Nothing yet',
    empty_text: 'Every change of a record, every sign-in and every refusal is written here.',
    resource_id: 'Record id',
  },
  ko: {
    title: '감사 기록',
    text: '누가 무엇을 했고 무엇이 거부되었는지 보여 줍니다.',
    empty: '아직 기록이 없습니다',
    empty_text: '레코드의 모든 변경, 로그인, 거부된 요청이 여기에 남습니다.',
    resource_id: '대상 ID',
  },
});

export function AuditPage() {
  const t = useTexts(texts);
  const field = useTexts(fieldTexts);
  const { valueText, choices } = useApiWords();
  const records: Records<'/api/v1/system/audit-logs'> = {
    name: 'audit-trail',
    path: '/api/v1/system/audit-logs',
    title: t('title'),
    text: t('text'),
    sort: '-created_at',
    keyOf: ({ id }) => id,
    nameOf: ({ id }) => String(id),
    columns: [
      instantColumn('created_at', field('time')),
      { key: 'action', label: field('action'), render: ({ action }) => valueText('action', action) },
      {
        key: 'user_id',
        label: field('user'),
        render: ({ user_id, user_role }) =>
          user_id === null ? (
            '–'
          ) : (
            <>
              <UserName id={user_id} /> ({user_role && valueText('role', user_role)})
            </>
          ),
      },
      {
        key: 'resource_type',
        label: field('record'),
        render: ({ resource_type, resource_id }) => `${valueText('record', resource_type)} ${resource_id ?? ''}`,
      },
      {
        key: 'details',
        label: field('details'),
        render: ({ details }) => (Object.keys(details).length === 0 ? '–' : <Code>{JSON.stringify(details)}</Code>),
      },
      { key: 'ip_address', label: field('address') },
      {
        key: 'request_id',
        label: field('request'),
        optional: true,
        render: ({ request_id }) => <Text size="xs">{request_id}</Text>,
      },
    ],
    filters: [
      { key: 'action', label: field('action'), several: true, options: choices('action', ACTIONS) },
      { key: 'user_id', label: field('user'), kind: 'person' },
      { key: 'resource_type', label: field('record'), several: true, options: choices('record', RECORDS) },
      { key: 'resource_id', label: t('resource_id') },
      { key: 'request_id', label: field('request') },
    ],
    empty: { title: t('empty'), text: t('empty_text') },
  };
  return <RecordsPage records={records} />;
}
