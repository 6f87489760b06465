import { api, client } from '#console/api/client.ts';
import { succeeded } from '#console/components/toast.ts';
import { useTexts } from '#console/i18n/texts.ts';
import { devicesTexts } from '#console/pages/devices/devices.texts.ts';
import { type Field, RecordForm } from '#console/records/record-form.tsx';
import { isAtLeast, useUser } from '#console/session/session.ts';
import type { Device } from './device.data.ts';
import { deviceTexts } from './device.texts.ts';

/** What a choice answers is text, and empty metadata are none. */
function changesOf(body: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const numbers = Object.entries(body).map(([key, value]) =>
    ['group_id', 'owner_id', 'inactivity_seconds'].includes(key) && value !== null
      ? [key, Number(value)]
      : [key, value],
  );
  const changes = Object.fromEntries(numbers) as Record<string, unknown>;
  return changes['metadata'] === null ? { ...changes, metadata: {} } : changes;
}

export function EditDevice({ device, opened, onClose }: EditDeviceProps) {
  const t = useTexts(deviceTexts);
  const names = useTexts(devicesTexts);
  const { role } = useUser();
  const isAdmin = isAtLeast(role, 'ADMIN');
  const all = { params: { query: { size: 100 } } };
  const { data: groups } = api.useQuery('get', '/api/v1/device-groups', all, { enabled: opened });
  const { data: users } = api.useQuery('get', '/api/v1/users', all, { enabled: opened && isAdmin });
  const owner: Field =
    users !== undefined && users.total <= users.items.length
      ? {
          key: 'owner_id',
          label: names('owner'),
          kind: 'choice',
          options: users.items.map(({ id, email }) => ({ value: String(id), label: email })),
        }
      : { key: 'owner_id', label: t('owner_id'), kind: 'number' };
  const fields: readonly Field[] = [
    { key: 'name', label: names('name'), kind: 'text', required: true },
    { key: 'device_type', label: names('type'), kind: 'text', required: true },
    {
      key: 'group_id',
      label: names('group'),
      kind: 'choice',
      options: (groups?.items ?? []).map(({ id, name }) => ({ value: String(id), label: name })),
    },
    owner,
    { key: 'inactivity_seconds', label: t('inactivity'), kind: 'number', description: t('inactivity_hint') },
    { key: 'timezone', label: t('timezone'), kind: 'text', placeholder: 'Asia/Seoul', description: t('timezone_hint') },
    { key: 'metadata', label: names('metadata'), kind: 'json' },
  ];
  return (
    <RecordForm
      title={`${t('edit')}: ${device.name}`}
      fields={fields}
      initial={device}
      audited={{ type: 'device', id: device.id }}
      opened={opened}
      onClose={onClose}
      submit={async (body) => {
        const params = { path: { device_id: device.id } };
        const changes = changesOf(body) as never;
        const answer = await client.PATCH('/api/v1/devices/{device_id}', { params, body: changes });
        if (answer.error === undefined) succeeded(t('edited'));
        return answer;
      }}
    />
  );
}

interface EditDeviceProps {
  readonly device: Device;
  readonly opened: boolean;
  readonly onClose: () => void;
}
