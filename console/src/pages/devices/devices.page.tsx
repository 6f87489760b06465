import { Button } from '@mantine/core';
import { IconPlus, IconTableImport } from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { client } from '#console/api/client.ts';
import { EVERY_CHANGE, useLive } from '#console/api/live.ts';
import { useThrottled } from '#console/api/throttled.ts';
import { NameOf, UserName } from '#console/components/record-name.tsx';
import { StatusBadge } from '#console/components/status-badge.tsx';
import { useDialog } from '#console/components/use-dialog.ts';
import { Instant } from '#console/i18n/format.tsx';
import { useApiWords } from '#console/i18n/language.tsx';
import { useTexts } from '#console/i18n/texts.ts';
import { changeRecord } from '#console/records/change-record.ts';
import { RecordsPage } from '#console/records/records.page.tsx';
import type { Records } from '#console/records/records.types.ts';
import { isAtLeast, useUser } from '#console/session/session.ts';
import { devicesTexts } from './devices.texts.ts';
import { importTexts } from './import.texts.ts';
import { ImportDevices } from './import-devices.tsx';
import { RegisterDevice } from './register-device.tsx';

const STATUSES = ['ONLINE', 'OFFLINE', 'MAINTENANCE', 'ERROR'];

const change = (device_id: number, changes: { group_id: number | null } | { owner_id: number | null }) =>
  changeRecord('/api/v1/devices/{device_id}', { ids: { device_id }, changes });

export function DevicesPage() {
  const t = useTexts(devicesTexts);
  const transfer = useTexts(importTexts);
  const { choices } = useApiWords();
  const { role } = useUser();
  const cache = useQueryClient();
  const [isRegistering, registering] = useDialog('register');
  const [isImporting, importing] = useDialog('import');
  const mayManage = isAtLeast(role, 'MANAGER');
  const changed = useThrottled(() => void cache.invalidateQueries({ queryKey: ['get', '/api/v1/devices'] }));
  useLive(mayManage ? EVERY_CHANGE : undefined, 'device_status', changed, changed);

  const register = mayManage ? (
    <Button leftSection={<IconPlus size={16} />} onClick={registering.open}>
      {t('register')}
    </Button>
  ) : null;
  const records: Records<'/api/v1/devices'> = {
    name: 'devices',
    path: '/api/v1/devices',
    title: t('title'),
    sort: '-created_at',
    keyOf: ({ id }) => id,
    nameOf: ({ name }) => name,
    hrefOf: ({ id }) => `/devices/${id}`,
    columns: [
      { key: 'name', label: t('name'), sortable: true },
      { key: 'device_uid', label: t('uid'), sortable: true },
      { key: 'device_type', label: t('type'), sortable: true },
      { key: 'status', label: t('status'), sortable: true, render: ({ status }) => <StatusBadge status={status} /> },
      { key: 'group_id', label: t('group'), render: ({ group_id }) => <NameOf kind="group" id={group_id} /> },
      { key: 'firmware_version', label: t('firmware') },
      {
        key: 'last_seen_at',
        label: t('last_seen'),
        sortable: true,
        render: ({ last_seen_at }) => <Instant at={last_seen_at} ago />,
      },
      { key: 'owner_id', label: t('owner'), optional: true, render: ({ owner_id }) => <UserName id={owner_id} /> },
      { key: 'ip_address', label: t('address'), optional: true },
      {
        key: 'created_at',
        label: t('created'),
        sortable: true,
        optional: true,
        render: ({ created_at }) => <Instant at={created_at} />,
      },
    ],
    filters: [
      { key: 'status', label: t('status'), several: true, options: choices('status', STATUSES) },
      { key: 'device_type', label: t('type') },
      { key: 'group_id', label: t('group'), kind: 'group' },
      ...(mayManage ? [{ key: 'owner_id', label: t('owner'), kind: 'person' } as const] : []),
      {
        key: 'in_sync',
        label: t('in_sync'),
        options: [
          { value: 'true', label: t('in_sync_yes') },
          { value: 'false', label: t('in_sync_no') },
        ],
      },
    ],
    bulk: [
      {
        key: 'group',
        label: t('move'),
        least: 'MANAGER',
        asks: { kind: 'group', label: t('group'), none: t('no_group') },
        run: ({ id }, group_id) => change(id, { group_id }),
      },
      {
        key: 'owner',
        label: t('give'),
        least: 'MANAGER',
        asks: { kind: 'person', label: t('owner'), none: t('no_owner') },
        run: ({ id }, owner_id) => change(id, { owner_id }),
      },
      {
        key: 'delete',
        label: t('delete'),
        color: 'red',
        least: 'ADMIN',
        run: ({ id }) => client.DELETE('/api/v1/devices/{device_id}', { params: { path: { device_id: id } } }),
      },
    ],
    actions: mayManage ? (
      <>
        <Button variant="default" leftSection={<IconTableImport size={16} />} onClick={importing.open}>
          {transfer('open')}
        </Button>
        {register}
      </>
    ) : null,
    empty: { title: t('empty'), text: t('empty_text'), action: register },
  };
  return (
    <>
      <RecordsPage records={records} />
      <ImportDevices opened={isImporting} onClose={importing.close} />
      <RegisterDevice opened={isRegistering} onClose={registering.close} />
    </>
  );
}
