import { useTexts } from '#console/i18n/texts.ts';
import { devicesTexts } from '#console/pages/devices/devices.texts.ts';
import { changeRecord } from '#console/records/change-record.ts';
import { type Field, RecordForm } from '#console/records/record-form.tsx';
import type { Device } from './device.data.ts';
import { deviceTexts } from './device.texts.ts';

export function EditDevice({ device, opened, onClose }: EditDeviceProps) {
  const t = useTexts(deviceTexts);
  const names = useTexts(devicesTexts);
  const fields: readonly Field[] = [
    { key: 'name', label: names('name'), kind: 'text', required: true },
    { key: 'device_type', label: names('type'), kind: 'text', required: true },
    { key: 'group_id', label: names('group'), kind: 'group' },
    { key: 'owner_id', label: names('owner'), kind: 'person', description: names('owner_hint') },
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
      submit={(body) => {
        // Empty metadata are none.
        const changes = body['metadata'] === null ? { ...body, metadata: {} } : body;
        return changeRecord('/api/v1/devices/{device_id}', { ids: { device_id: device.id }, changes });
      }}
    />
  );
}

interface EditDeviceProps {
  readonly device: Device;
  readonly opened: boolean;
  readonly onClose: () => void;
}
