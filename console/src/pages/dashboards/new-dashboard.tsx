import { Button, Group, Modal, Select, Stack, TextInput } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import { client } from '#console/api/client.ts';
import { common } from '#console/app/common.texts.ts';
import type { Named } from '#console/components/named.ts';
import { RecordSelect } from '#console/components/record-select.tsx';
import { Failure } from '#console/components/states.tsx';
import { useTexts } from '#console/i18n/texts.ts';
import { numberOf } from '#console/pages/device/telemetry.data.ts';
import { fieldTexts } from '#console/records/field.texts.ts';
import { fromDevice, type Share } from './dashboard.data.ts';
import { dashboardTexts } from './dashboards.texts.ts';

/** What can be drawn of a device. @throws the problem of the API */
async function metricsOf(id: number): Promise<readonly string[]> {
  const params = { path: { device_id: id } };
  const { data, error } = await client.GET('/api/v1/devices/{device_id}/telemetry/latest', { params });
  if (error !== undefined) throw error;
  const numeric = Object.entries(data.metrics).filter(([, { value }]) => numberOf(value) !== null);
  return numeric.map(([name]) => name).sort();
}

/** A name, whom it is shared with, and perhaps a device whose metrics it begins with. */
export function NewDashboard({ opened, onClose }: { readonly opened: boolean; readonly onClose: () => void }) {
  const t = useTexts(dashboardTexts);
  const field = useTexts(fieldTexts);
  const words = useTexts(common);
  const navigate = useNavigate();
  const [name, setName] = useState('');
  const [shared, setShared] = useState<Share>('private');
  const [device, setDevice] = useState<Named | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);

  const make = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    try {
      const content = device === null ? {} : fromDevice(device, await metricsOf(device.id));
      const { data, error: refused } = await client.POST('/api/v1/dashboards', { body: { name, shared, ...content } });
      setError(refused ?? null);
      if (data !== undefined) {
        const search = device === null ? { edit: 1 } : {};
        await navigate({ to: `/dashboards/${data.id}` as string, search: search as never });
      }
    } catch (failure) {
      setError(failure);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Modal opened={opened} onClose={onClose} title={t('new')} closeButtonProps={{ 'aria-label': words('close') }}>
      <form onSubmit={make} noValidate>
        <Stack>
          {error !== null && <Failure error={error} />}
          <TextInput
            label={field('name')}
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
            maxLength={100}
            withAsterisk
            data-autofocus
          />
          <ShareSelect value={shared} onChange={setShared} />
          <RecordSelect
            kind="device"
            label={t('from_device')}
            value={device?.id ?? null}
            onChange={(_, named) => setDevice(named ?? null)}
          />
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              {words('cancel')}
            </Button>
            <Button type="submit" loading={busy} disabled={name.trim() === ''}>
              {words('create')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

export function ShareSelect({ value, onChange }: { readonly value: Share; readonly onChange: (value: Share) => void }) {
  const t = useTexts(dashboardTexts);
  return (
    <Select
      label={t('shared')}
      allowDeselect={false}
      data={(['private', 'management', 'all'] as const).map((share) => ({ value: share, label: t(`share_${share}`) }))}
      value={value}
      onChange={(next) => onChange(next as Share)}
    />
  );
}
