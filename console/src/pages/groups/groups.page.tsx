import { Button } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import { client } from '#console/api/client.ts';
import { common } from '#console/app/common.texts.ts';
import { defineTexts, useTexts } from '#console/i18n/texts.ts';
import { changeRecord } from '#console/records/change-record.ts';
import { instantColumn } from '#console/records/columns.tsx';
import { fieldTexts } from '#console/records/field.texts.ts';
import { RecordsPage } from '#console/records/records.page.tsx';
import type { Records, RowOf } from '#console/records/records.types.ts';
import { useRecordForm } from '#console/records/use-record-form.tsx';
import { isAtLeast, useUser } from '#console/session/session.ts';
import { GroupMembers, MembersLink } from './group-members.tsx';

const texts = defineTexts({
  en: {
    title: 'Groups',
    add: 'Add a group',
    change: 'Change a group',
    devices: 'Devices',
    empty: 'No groups yet',
    empty_text: 'A group holds devices that are watched, configured, and updated together.',
  },
  ko: {
    title: '그룹',
    add: '그룹 추가',
    change: '그룹 수정',
    devices: '디바이스',
    empty: '아직 그룹이 없습니다',
    empty_text: '함께 살펴보고, 구성하고, 업데이트할 디바이스를 그룹으로 묶습니다.',
  },
});

type DeviceGroup = RowOf<'/api/v1/device-groups'>;

export function GroupsPage() {
  const t = useTexts(texts);
  const field = useTexts(fieldTexts);
  const words = useTexts(common);
  const { role } = useUser();
  const { openNew, openFor, form, row } = useRecordForm<DeviceGroup>();
  const mayManage = isAtLeast(role, 'MANAGER');
  const add = mayManage ? (
    <Button leftSection={<IconPlus size={16} />} onClick={openNew}>
      {t('add')}
    </Button>
  ) : null;
  const records: Records<'/api/v1/device-groups'> = {
    name: 'groups',
    path: '/api/v1/device-groups',
    title: t('title'),
    sort: 'name',
    keyOf: ({ id }) => id,
    nameOf: ({ name }) => name,
    ...(mayManage ? { onOpen: openFor } : {}),
    columns: [
      { key: 'name', label: field('name'), sortable: true },
      { key: 'description', label: field('description') },
      { key: 'devices', label: t('devices'), render: ({ id }) => <MembersLink id={id} /> },
      instantColumn('created_at', field('created')),
    ],
    bulk: [
      {
        key: 'delete',
        label: words('delete'),
        color: 'red',
        least: 'MANAGER',
        run: ({ id }) => client.DELETE('/api/v1/device-groups/{group_id}', { params: { path: { group_id: id } } }),
      },
    ],
    actions: add,
    empty: { title: t('empty'), text: t('empty_text'), action: add },
  };
  return (
    <>
      <RecordsPage records={records} />
      {form({
        audited: row && { type: 'device_group', id: row.id },
        title: row === undefined ? t('add') : t('change'),
        children: row && <GroupMembers key={row.id} group={row} />,
        fields: [
          { key: 'name', label: field('name'), kind: 'text', required: true },
          { key: 'description', label: field('description'), kind: 'long' },
        ],
        submit: (body) =>
          row === undefined
            ? client.POST('/api/v1/device-groups', { body: body as never })
            : changeRecord('/api/v1/device-groups/{group_id}', { ids: { group_id: row.id }, changes: body }),
      })}
    </>
  );
}
