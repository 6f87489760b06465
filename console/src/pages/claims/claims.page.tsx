import { Button, Progress, Text } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import { useState } from 'react';
import { client } from '#console/api/client.ts';
import { SecretOnce } from '#console/components/secret-once.tsx';
import { StatusBadge } from '#console/components/status-badge.tsx';
import { defineTexts, useTexts } from '#console/i18n/texts.ts';
import { instantColumn } from '#console/records/columns.tsx';
import { fieldTexts } from '#console/records/field.texts.ts';
import { RecordsPage } from '#console/records/records.page.tsx';
import type { Records, RowOf } from '#console/records/records.types.ts';
import { useRecordForm } from '#console/records/use-record-form.tsx';

const texts = defineTexts({
  en: {
    title: 'Claims',
    text: 'With the token of a claim, devices register themselves.',
    add: 'New claim',
    empty: 'No claims yet',
    empty_text: 'Put the token of a claim into the image of a production batch: each device registers itself with it.',
    token: 'Token of the claim',
    max: 'How many devices at the most',
    pattern: 'Only UIDs like (* for anything)',
    uids: 'Or only these UIDs',
    revoke: 'Revoke',
  },
  ko: {
    title: '클레임',
    text: '디바이스는 클레임(claim) 토큰으로 스스로 등록합니다.',
    add: '클레임 만들기',
    empty: '아직 클레임이 없습니다',
    empty_text: '생산 이미지에 클레임 토큰을 넣어 두면 디바이스마다 그 토큰으로 스스로 등록합니다.',
    token: '클레임 토큰',
    max: '최대 디바이스 수',
    pattern: '허용할 UID 패턴(*는 임의의 문자열)',
    uids: '또는 이 UID만 허용',
    revoke: '폐기',
  },
});

type Claim = RowOf<'/api/v1/provisioning/claims'>;

const stateOf = ({ revoked_at, expires_at, used, max_devices }: Claim): string => {
  if (revoked_at !== null) return 'REVOKED';
  if (Date.parse(expires_at) < Date.now()) return 'EXPIRED';
  return used >= max_devices ? 'USED_UP' : 'OPEN';
};

export function ClaimsPage() {
  const t = useTexts(texts);
  const field = useTexts(fieldTexts);
  const [token, setToken] = useState<string | null>(null);
  const { openNew, form } = useRecordForm<Claim>();
  const add = (
    <Button leftSection={<IconPlus size={16} />} onClick={openNew}>
      {t('add')}
    </Button>
  );
  const records: Records<'/api/v1/provisioning/claims'> = {
    name: 'claims',
    path: '/api/v1/provisioning/claims',
    title: t('title'),
    text: t('text'),
    sort: '-created_at',
    keyOf: ({ id }) => id,
    nameOf: ({ name }) => name,
    hrefOf: ({ id }) => `/claims/${id}`,
    columns: [
      { key: 'name', label: field('name'), sortable: true },
      { key: 'device_type', label: field('device_type') },
      { key: 'status', label: field('status'), render: (claim) => <StatusBadge status={stateOf(claim)} /> },
      {
        key: 'used',
        label: field('used'),
        render: ({ used, max_devices }) => (
          <>
            <Text size="xs">
              {used} / {max_devices}
            </Text>
            <Progress value={(100 * used) / max_devices} w={90} aria-label={`${used} / ${max_devices}`} />
          </>
        ),
      },
      instantColumn('expires_at', field('expires')),
      { key: 'uid_pattern', label: 'UID', render: ({ uid_pattern, uids }) => uid_pattern ?? uids?.join(', ') ?? '*' },
      instantColumn('created_at', field('created'), { optional: true }),
    ],
    filters: [{ key: 'device_type', label: field('device_type') }],
    bulk: [
      {
        key: 'revoke',
        label: t('revoke'),
        color: 'red',
        least: 'MANAGER',
        run: ({ id }) =>
          client.POST('/api/v1/provisioning/claims/{claim_id}/revoke', { params: { path: { claim_id: id } } }),
      },
    ],
    actions: add,
    empty: { title: t('empty'), text: t('empty_text'), action: add },
  };
  return (
    <>
      <RecordsPage records={records} />
      <SecretOnce title={t('token')} secret={token} onClose={() => setToken(null)} />
      {form({
        title: t('add'),
        fields: [
          { key: 'name', label: field('name'), kind: 'text', required: true },
          { key: 'device_type', label: field('device_type'), kind: 'text', required: true },
          { key: 'max_devices', label: t('max'), kind: 'number', required: true },
          { key: 'expires_at', label: field('expires'), kind: 'instant', required: true },
          { key: 'group_id', label: field('group'), kind: 'group' },
          { key: 'owner_id', label: field('owner'), kind: 'person' },
          { key: 'uid_pattern', label: t('pattern'), kind: 'text', placeholder: 'greenhouse-*' },
          { key: 'uids', label: t('uids'), kind: 'tags' },
        ],
        submit: async (body) => {
          const answer = await client.POST('/api/v1/provisioning/claims', { body: body as never });
          if (answer.data !== undefined) setToken(answer.data.token);
          return answer;
        },
      })}
    </>
  );
}
